"""Event models per producer and version: the only code that two services share about each other."""

from contracts import cockpit, identity, office
from contracts.base import EventModel, Registry, registry

__all__ = ["EventModel", "Registry", "cockpit", "identity", "office", "registry"]
