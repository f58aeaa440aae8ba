"""The copy of Identity's units."""

from cockpit.base import Base
from replica.models import UnitColumns


class Unit(UnitColumns, Base):
    """A unit as Identity last told of it."""
