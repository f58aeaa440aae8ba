"""Units and their dated history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import Kind, Level, UnitStatus
from identity.base import Base
from identity.units.errors import UnitClosed
from servicekit.ids import new_id
from servicekit.ltree import LTree
from servicekit.words import Word, known


class Unit(Base):
    """A unit with its place in the authority tree (`path`) and its territory (`region_code`).

    `path` consists of unit codes, so a code is unique for ever and never changes. `version` increases with
    every change; consumers of events keep the highest.
    """

    __tablename__ = "units"
    __table_args__ = (
        Index("ix_units_path", "path", postgresql_using="gist"),
        Index("ix_units_path_order", "path"),
        known("level", Level, "level_known"),
        known("kind", Kind, "kind_known"),
        known("status", UnitStatus, "status_known"),
        CheckConstraint("code ~ '^[A-Za-z0-9_]{1,64}$'", name="code_is_a_label"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    short_name: Mapped[str] = mapped_column(Text)
    level: Mapped[Level] = mapped_column(Word(Level))
    kind: Mapped[Kind] = mapped_column(Word(Kind))
    stages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    region_code: Mapped[str | None] = mapped_column(Text, index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"), index=True)
    path: Mapped[str] = mapped_column(LTree)
    status: Mapped[UnitStatus] = mapped_column(
        Word(UnitStatus), server_default=text("'active'"), default=UnitStatus.ACTIVE
    )
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"), default=1)
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def close(self, now: datetime) -> None:
        """Close the unit (撤销); its row and history are kept. Raises `UnitClosed` if it is closed."""
        if self.status == UnitStatus.CLOSED:
            raise UnitClosed
        self.status = UnitStatus.CLOSED
        self.closed_at = now
        self.version += 1

    def snapshot(self) -> dict[str, Any]:
        """Return the state for the history."""
        return {
            "code": self.code,
            "name": self.name,
            "level": self.level,
            "kind": self.kind,
            "stages": self.stages,
            "region_code": self.region_code,
            "path": self.path,
            "status": self.status,
        }


class UnitChange(Base):
    """One dated state of a unit, so that a past year is counted with the tree of its time.

    Grows by some thousands of rows a year; never pruned.
    """

    __tablename__ = "unit_changes"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_by: Mapped[UUID | None] = mapped_column()
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)
