"""The answers of units.

The tables are partitioned by `notice_id`, a UUIDv7, as the receipts are: by the year of the notice.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, DateTime, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import AnswerStatus
from office.answers.errors import AnswerClosed, NotAnswered
from office.base import Base
from servicekit.ids import new_id
from servicekit.ltree import LTree
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)


class Answer(Base):
    """What a unit has answered, and what it is filling in: `draft` is seen by the unit only."""

    __tablename__ = "answers"
    __table_args__ = (
        known("status", AnswerStatus, "status"),
        CheckConstraint("(status = 'draft') = (submitted_at IS NULL)", name="submitted"),
        Index("ix_answers_path", "notice_id", "path"),
        Index("ix_answers_uncounted", "notice_id", "unit_id", postgresql_where=text("NOT counted")),
        {"postgresql_partition_by": "RANGE (notice_id)"},
    )

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(LTree, doc="where the notice reached the unit, and its answer counts")
    status: Mapped[AnswerStatus] = mapped_column(Word(AnswerStatus), default=AnswerStatus.DRAFT)
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    saved_by: Mapped[UUID | None]
    saved_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    values: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    number: Mapped[int] = mapped_column(Integer, default=0, doc="submissions")
    late: Mapped[bool] = mapped_column(Boolean, default=False, doc="the first submission was")
    submitted_by: Mapped[UUID | None]
    submitted_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    counted: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default="false", doc="the counters of the notice have it"
    )
    reopened_by: Mapped[UUID | None]
    reopened_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    note: Mapped[str | None] = mapped_column(Text, doc="what is to be changed, from a unit above")
    version: Mapped[int] = mapped_column(Integer, default=0)

    def check_open(self, *, closed: bool) -> None:
        """Raise `AnswerClosed` for a submitted answer if the deadline has passed (`closed`)."""
        if closed and self.status is AnswerStatus.SUBMITTED:
            raise AnswerClosed

    def save(self, values: dict[str, Any], *, by: UUID, now: datetime) -> None:
        """Keep what was filled in so far."""
        self.draft, self.saved_by, self.saved_at = values, by, now
        self.version += 1

    def submit(self, values: dict[str, Any], *, by: UUID, now: datetime, late: bool, counted: bool) -> None:
        """Answer with `values`. `late` and `counted` are kept of the first submission."""
        if self.status is AnswerStatus.DRAFT:
            self.late, self.counted = late, counted
        self.values, self.draft, self.status = values, None, AnswerStatus.SUBMITTED
        self.submitted_by, self.submitted_at = by, now
        self.number += 1
        self.version += 1

    def reopen(self, note: str, *, by: UUID, now: datetime) -> None:
        """Have the unit change its answer, also after the deadline. Raises `NotAnswered`."""
        if self.status is AnswerStatus.DRAFT:
            raise NotAnswered
        self.status, self.note, self.reopened_by, self.reopened_at = AnswerStatus.REOPENED, note, by, now
        self.version += 1


class AnswerRevision(Base):
    """An answer as it was submitted: a later one does not delete it."""

    __tablename__ = "answer_revisions"
    __table_args__ = (
        Index("ix_answer_revisions_submitted_at", "submitted_at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (notice_id)"},
    )

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    submitted_by: Mapped[UUID]
    submitted_at: Mapped[datetime] = mapped_column(_INSTANT)


class AnswerSubject(Base):
    """What the files of one answer are attached to: a subject has one id, an answer the ids of two."""

    __tablename__ = "answer_subjects"
    __table_args__ = (UniqueConstraint("notice_id", "unit_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    notice_id: Mapped[UUID]
    unit_id: Mapped[UUID]
