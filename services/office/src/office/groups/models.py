"""Groups, their members, and favourites."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import GroupScope
from office.base import Base
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)
_NOBODY = "coalesce(sub, '00000000-0000-0000-0000-000000000000'::uuid)"


class Group(Base):
    """A named list of units and people: of one person who acts for a unit, or shared by the unit.

    Bounded by `rules.MAX_GROUPS` for each owner.
    """

    __tablename__ = "contact_groups"
    __table_args__ = (
        known("scope", GroupScope, "scope"),
        CheckConstraint("(scope = 'own') = (owner IS NOT NULL)", name="owner"),
        Index(
            "uq_contact_groups_own",
            *("unit_id", "owner", "name"),
            unique=True,
            postgresql_where=text("owner IS NOT NULL"),
        ),
        Index(
            "uq_contact_groups_shared",
            *("unit_id", "name"),
            unique=True,
            postgresql_where=text("owner IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scope: Mapped[GroupScope] = mapped_column(Word(GroupScope))
    unit_id: Mapped[UUID] = mapped_column(doc="the unit that shares it, or that its owner acts for")
    owner: Mapped[UUID | None] = mapped_column(doc="the person; None if it is shared")
    name: Mapped[str] = mapped_column(Text)
    members: Mapped[int] = mapped_column(Integer, doc="number of members")
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)
    version: Mapped[int] = mapped_column(Integer)

    def write(self, name: str, members: int, *, by: UUID, now: datetime) -> None:
        """Replace the name and the members; this is the next version."""
        self.name, self.members = name, members
        self.updated_by, self.updated_at = by, now
        self.version += 1


class GroupMember(Base):
    """A unit in a group, or a person in a unit; `name` is what it was called when it was added."""

    __tablename__ = "contact_group_members"
    __table_args__ = (Index("uq_contact_group_members", "group_id", "unit_id", text(_NOBODY), unique=True),)

    group_id: Mapped[UUID] = mapped_column(
        ForeignKey("contact_groups.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    unit_id: Mapped[UUID]
    sub: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(Text)


class Favourite(Base):
    """A unit or a person in a unit that somebody keeps at hand. Bounded by `rules.MAX_FAVOURITES`."""

    __tablename__ = "contact_favourites"
    __table_args__ = (
        Index("uq_contact_favourites", "by", "acting_id", "unit_id", text(_NOBODY), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    by: Mapped[UUID]
    acting_id: Mapped[UUID] = mapped_column(doc="the unit that the person acts for")
    unit_id: Mapped[UUID]
    sub: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(Text, doc="what it was called when it was added")
    added_at: Mapped[datetime] = mapped_column(_INSTANT)
