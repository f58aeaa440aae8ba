"""Event models per producer and version: the only domain code that services share."""

from contracts import cockpit, identity, office
from contracts.base import EventModel, Registry, registry

__all__ = ["EventModel", "Registry", "cockpit", "identity", "office", "registry"]
