"""The replica tables of Identity's units and people; the `replica` library keeps them up to date."""

from replica.models import PersonColumns, UnitColumns
from sample.base import Base


class Unit(UnitColumns, Base):
    """A unit: its name, its place in the authority tree (`path`, `parent_id`) and its territory."""


class Person(PersonColumns, Base):
    """A person and the unit of their active membership, if any."""
