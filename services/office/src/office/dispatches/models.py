"""Publications and forwardings.

There are no foreign keys to units, because a replica is filled in any order.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from office.addressing.models import AddressColumns, address_constraints
from office.base import Base
from office.directory.models import Unit
from servicekit.ids import new_id

_INSTANT = DateTime(timezone=True)


class Forwarding(AddressColumns, Base):
    """One dispatch of a notice by a unit; the publisher's first one is the publication.

    `number` counts the dispatches of one unit: 1, and one more for each further dispatch (补充转发).
    """

    __tablename__ = "forwardings"
    __table_args__ = (
        PrimaryKeyConstraint("notice_id", "id"),
        UniqueConstraint("notice_id", "unit_id", "number"),
        *address_constraints(),
        # Inboxes read the dispatches of the units above in the order of a list.
        Index("ix_forwardings_inbox", "unit_id", "forwarded_at", "notice_id"),
        Index("ix_forwardings_due", "unit_id", "deadline", "notice_id"),
        Index(
            "ix_forwardings_others",
            *("unit_id", "forwarded_at", "notice_id"),
            postgresql_where=text("NOT plain"),
        ),
        # The others are few: coverage looks them up for each unit that no plain dispatch reaches.
        Index("ix_forwardings_special", "notice_id", postgresql_where=text("NOT plain")),
        Index("uq_forwardings_plain", "notice_id", "unit_id", unique=True, postgresql_where=text("plain")),
    )

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notices.id"))
    id: Mapped[UUID] = mapped_column(default=new_id, server_default=func.gen_random_uuid())
    unit_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    plain: Mapped[bool] = mapped_column(
        Boolean,
        Computed("reach = 'children' AND levels = '{}' AND kinds = '{}' AND stages = '{}'", persisted=True),
        doc="addresses all units directly below",
    )
    cover_text: Mapped[str | None] = mapped_column(Text)
    deadline: Mapped[datetime] = mapped_column(_INSTANT, doc="for the units below: never after the parent's")
    forwarded_by: Mapped[UUID]
    forwarded_at: Mapped[datetime] = mapped_column(_INSTANT)


class PickedUnit(Base):
    """A unit that a dispatch with `Reach.PICKED` names."""

    __tablename__ = "forwarding_units"
    __table_args__ = (
        PrimaryKeyConstraint("notice_id", "forwarding_id", "unit_id"),
        ForeignKeyConstraint(
            ["notice_id", "forwarding_id"], ["forwardings.notice_id", "forwardings.id"], ondelete="CASCADE"
        ),
        Index("ix_forwarding_units_unit_id", "unit_id", "notice_id"),
    )

    notice_id: Mapped[UUID]
    forwarding_id: Mapped[UUID]
    unit_id: Mapped[UUID]


class Cover(NamedTuple):
    """A dispatch on the way to a unit, and its sender."""

    unit: Unit
    forwarding: Forwarding
