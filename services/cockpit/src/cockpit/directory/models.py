"""The replica table of Identity's units."""

from cockpit.base import Base
from replica.models import UnitColumns


class Unit(UnitColumns, Base):
    """A unit as last replicated from Identity."""
