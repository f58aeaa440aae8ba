"""The replica tables of Identity's units, people and roles, which the `replica` library keeps up to date.

What units and people are searched by is derived from them in the background (`directory.indexing`).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.identity import FormerName, PersonMembership
from contracts.vocabulary import UnitStatus
from office.base import Base
from replica.models import (
    FormerNames,
    FormerPlaceColumns,
    Memberships,
    PersonColumns,
    RoleColumns,
    UnitColumns,
)
from searchkit.index import NAME, UnitSearchColumns
from searchkit.queue import QueueColumns


class Unit(UnitColumns, Base):
    """A unit: its name, its place in the authority tree (`path`, `parent_id`) and its territory."""

    placed_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True),
        index=True,
        doc="since when it has had its parent, path, status, level, kind and stages; None: not known",
    )

    duty_phone: Mapped[str | None] = mapped_column(Text, doc="on which the unit answers, never a person's")
    address: Mapped[str | None] = mapped_column(Text)
    merged_into_id: Mapped[UUID | None] = mapped_column(
        doc="the unit that continues the work of a closed one"
    )
    former_names: Mapped[list[FormerName]] = mapped_column(FormerNames, server_default="[]")

    @property
    def is_active(self) -> bool:
        """Return whether the unit is active, that is, neither closed nor merged."""
        return self.status == UnitStatus.ACTIVE


class RoleAllowance(RoleColumns, Base):
    """What a role allows, built in or defined by the platform."""


class FormerPlace(FormerPlaceColumns, Base):
    """A former place of a unit: its parent, path, status, level, kind and stages at that time."""


class Person(PersonColumns, Base):
    """A person and the unit of their active membership, if any."""

    __table_args__ = (
        Index(
            "ix_people_memberships",
            "memberships",
            postgresql_using="gin",
            postgresql_ops={"memberships": "jsonb_path_ops"},
        ),
    )

    memberships: Mapped[list[PersonMembership]] = mapped_column(
        Memberships, server_default="[]", doc="all of them, the primary one first"
    )


class UnitSearch(UnitSearchColumns, Base):
    """An active unit: tokens of its names and the codes of the units above. `rank` is its level."""


class PersonSearch(Base):
    """A person in one of their units: tokens of the name, the posts there, the unit and the units above.

    A token `@` is the code of the unit or of one above it, `=` that of the unit itself, `#` the last four
    digits of the phone number, which the masked number shows, too.
    """

    __tablename__ = "people_search"
    __table_args__ = (
        Index("ix_people_search_first", "first", "name", "sub", "unit_id"),
        Index("ix_people_search_unit", "unit_id", "name", "sub"),
        Index("ix_people_search_tokens", "tokens", postgresql_using="gin"),
    )

    sub: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    first: Mapped[str] = mapped_column(NAME)
    name: Mapped[str] = mapped_column(NAME)
    words: Mapped[str] = mapped_column(Text)
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text))


class SearchQueue(QueueColumns, Base):
    """Units and people that have changed since they were indexed; triggers insert, the indexer deletes."""
