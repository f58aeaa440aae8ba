"""The copies of Identity's units and people; `replica` keeps them up to date."""

from contracts.vocabulary import UnitStatus
from office.base import Base
from replica.models import PersonColumns, UnitColumns


class Unit(UnitColumns, Base):
    """A unit: its name, its place in the authority tree (`path`, `parent_id`) and its territory."""

    @property
    def is_active(self) -> bool:
        """Whether the unit works today: it was not closed or merged."""
        return self.status == UnitStatus.ACTIVE


class Person(PersonColumns, Base):
    """A person and the unit it is an active member of, if any."""
