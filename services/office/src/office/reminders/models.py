"""Runs of reminders, the reminders, and the schedules of notices.

`reminders` grows with every run; its key begins with the notice's id, so it can be pruned with the receipts.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import ReminderReason
from office.base import Base
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)


class ReminderSchedule(Base):
    """When units are reminded of a notice; without a row, at the default times."""

    __tablename__ = "reminder_schedules"

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    offsets: Mapped[list[int]] = mapped_column(ARRAY(Integer), doc="workdays from the deadline; empty: never")
    sms: Mapped[bool] = mapped_column(Boolean)
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(_INSTANT)


class ReminderRun(Base):
    """One run for the units of a subtree; `offset` is its place in the schedule, None if made by hand."""

    __tablename__ = "reminder_runs"
    __table_args__ = (
        CheckConstraint('("offset" IS NULL) = (requested_by IS NOT NULL)', name="by_hand"),
        Index("ix_reminder_runs_notice", "notice_id", "id"),
        Index(
            "uq_reminder_runs_offset",
            "notice_id",
            "offset",
            unique=True,
            postgresql_where=text('"offset" IS NOT NULL'),
        ),
        Index(
            "uq_reminder_runs_running",
            "notice_id",
            "unit_id",
            unique=True,
            postgresql_where=text('finished_at IS NULL AND "offset" IS NULL'),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    notice_id: Mapped[UUID]
    unit_id: Mapped[UUID] = mapped_column(doc="the top of the subtree")
    group_id: Mapped[UUID | None] = mapped_column(doc="only the units in this group of the address book")
    offset: Mapped[int | None] = mapped_column(Integer)
    sms: Mapped[bool] = mapped_column(Boolean)
    requested_by: Mapped[UUID | None]
    requested_unit_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(_INSTANT)
    job_id: Mapped[UUID | None]
    unsigned: Mapped[int] = mapped_column(Integer, default=0, doc="units reminded to sign")
    blocking: Mapped[int] = mapped_column(Integer, default=0, doc="units reminded to forward")
    finished_at: Mapped[datetime | None] = mapped_column(_INSTANT)


class Reminder(Base):
    """A unit was reminded of a notice, at most once in an interval, whose number is `slot`."""

    __tablename__ = "reminders"
    __table_args__ = (
        known("reason", ReminderReason, "reason"),
        Index("ix_reminders_unit", "unit_id", "at", "notice_id"),
    )

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    run_id: Mapped[UUID]
    reason: Mapped[ReminderReason] = mapped_column(Word(ReminderReason))
    at: Mapped[datetime] = mapped_column(_INSTANT)
