"""The replica tables of Identity's units and people; the `replica` library keeps them up to date."""

from datetime import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column

from contracts.identity import PersonMembership
from contracts.vocabulary import UnitStatus
from office.base import Base
from replica.models import FormerPlaceColumns, Memberships, PersonColumns, UnitColumns


class Unit(UnitColumns, Base):
    """A unit: its name, its place in the authority tree (`path`, `parent_id`) and its territory."""

    placed_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True),
        index=True,
        doc="since when it has had its parent, path and status; None: not known",
    )

    @property
    def is_active(self) -> bool:
        """Return whether the unit is active, that is, neither closed nor merged."""
        return self.status == UnitStatus.ACTIVE


class FormerPlace(FormerPlaceColumns, Base):
    """A former place of a unit: its parent, path and status at that time."""


class Person(PersonColumns, Base):
    """A person and the unit of their active membership, if any."""

    memberships: Mapped[list[PersonMembership]] = mapped_column(
        Memberships, server_default="[]", doc="all of them, the primary one first"
    )
