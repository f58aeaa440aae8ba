"""Assignments of notices to people inside a unit."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import AssignmentStatus
from office.assignments.errors import NotAssigned
from office.base import Base
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)


class Assignment(Base):
    """A person handles a notice for a unit. Another one takes over with a row of their own."""

    __tablename__ = "notice_assignments"
    __table_args__ = (
        known("status", AssignmentStatus, "status"),
        CheckConstraint("(status = 'open') = (ended_at IS NULL)", name="ended"),
        Index(
            "uq_notice_assignments_open",
            "notice_id",
            "unit_id",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_notice_assignments_unit", "notice_id", "unit_id", "id"),
        Index("ix_notice_assignments_owner", "owner", "unit_id", postgresql_where=text("status = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    notice_id: Mapped[UUID]
    unit_id: Mapped[UUID]
    owner: Mapped[UUID | None] = mapped_column(doc="None: left the unit, and nobody has taken over yet")
    due_at: Mapped[datetime] = mapped_column(_INSTANT)
    note: Mapped[str | None] = mapped_column(Text, doc="what the owner is to do")
    assigned_by: Mapped[UUID]
    assigned_at: Mapped[datetime] = mapped_column(_INSTANT)
    status: Mapped[AssignmentStatus] = mapped_column(Word(AssignmentStatus), default=AssignmentStatus.OPEN)
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    result: Mapped[str | None] = mapped_column(Text, doc="what became of it")

    @property
    def key(self) -> str:
        """The key of the owner's task."""
        return f"assignment/{self.id}"

    def end(self, status: AssignmentStatus, result: str | None, *, by: UUID, now: datetime) -> None:
        """End it as done, passed on or cancelled. Raises `NotAssigned` if it has ended."""
        if self.status is not AssignmentStatus.OPEN:
            raise NotAssigned
        self.status, self.result, self.ended_by, self.ended_at = status, result, by, now

    def pass_on(self, successor: UUID | None) -> None:
        """Have the successor of an owner who leaves the unit handle it, or nobody until it is assigned."""
        self.owner = successor
