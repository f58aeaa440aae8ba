"""Units and their dated history."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import Kind, Level, UnitChangeKind, UnitStatus
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
        Index("ix_units_children", "parent_id", "code"),
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
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    path: Mapped[str] = mapped_column(LTree)
    status: Mapped[UnitStatus] = mapped_column(
        Word(UnitStatus), server_default=text("'active'"), default=UnitStatus.ACTIVE
    )
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"), default=1)
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    duty_phone: Mapped[str | None] = mapped_column(Text)
    """The landline or service number on which the unit answers (值班电话), never a person's mobile number."""
    address: Mapped[str | None] = mapped_column(Text)
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit that continues the work of a closed one."""

    def require_active(self) -> None:
        """Raise `UnitClosed` if the unit is closed."""
        if self.status == UnitStatus.CLOSED:
            raise UnitClosed

    def change(self, **values: Any) -> bool:
        """Set attributes. Return False, and keep the version, if nothing differs. Raises `UnitClosed`."""
        self.require_active()
        different = {name: value for name, value in values.items() if getattr(self, name) != value}
        for name, value in different.items():
            setattr(self, name, value)
        if different:
            self.version += 1
        return bool(different)

    def note(self) -> None:
        """Count a change that concerns the unit and leaves its attributes as they are."""
        self.version += 1

    def close(self, now: datetime, merged_into: UUID | None = None) -> None:
        """Close the unit (撤销); its row and history are kept. Raises `UnitClosed` if it is closed."""
        self.require_active()
        self.status = UnitStatus.CLOSED
        self.closed_at = now
        self.merged_into_id = merged_into
        self.version += 1

    def snapshot(self) -> dict[str, Any]:
        """Return the state for the history."""
        return {name: getattr(self, name) for name in STATE}


STATE = (
    "code",
    "name",
    "short_name",
    "level",
    "kind",
    "stages",
    "region_code",
    "path",
    "status",
    "duty_phone",
    "address",
)
"""The attributes of a unit that its history keeps."""


class UnitChange(Base):
    """One state of a unit, so that a past year is counted with the tree of its time.

    Two times: `changed_at` is when the state began in this system, and what people reached depends on it;
    `effective_on` is the date of the decision (文件施行日期), and the tree of a day is read by it. The state
    is in force on the days from `effective_on` to the day before `valid_to`; none, if another change has the
    same date. The rows of a unit that moved only because a unit above it moved (`moved_with`) are in force on
    no day: the tree of a day follows from the parents, and the parent has not changed.

    Grows by some thousands of rows a year, and by the units of each moved subtree; never pruned.
    """

    __tablename__ = "unit_changes"
    __table_args__ = (
        Index(
            "ix_unit_changes_children",
            "parent_id",
            "code",
            postgresql_where=text("kind <> 'moved_with'"),
        ),
        Index(
            "uq_unit_changes_in_force",
            "unit_id",
            unique=True,
            postgresql_where=text("valid_to IS NULL AND kind <> 'moved_with'"),
        ),
        known("kind", UnitChangeKind, "kind_known"),
        CheckConstraint("valid_to >= effective_on", name="ends_later"),
    )

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_by: Mapped[UUID | None] = mapped_column()
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # Nullable, because a trigger fills them in rows of the previous release.
    code: Mapped[str | None] = mapped_column(Text)
    parent_id: Mapped[UUID | None] = mapped_column()
    kind: Mapped[UnitChangeKind | None] = mapped_column(Word(UnitChangeKind))
    effective_on: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str | None] = mapped_column(Text)
    document_number: Mapped[str | None] = mapped_column(Text)
    """文号."""
    related_unit_id: Mapped[UUID | None] = mapped_column()
    """The other unit of a merger or split; the former parent of a move."""
