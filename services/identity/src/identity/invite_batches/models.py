"""Invitations of many people at once."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, DateTime, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import InviteBatchStatus, InviteResult
from identity.base import Base
from identity.invite_batches.errors import BatchNotReady, NobodyToInvite
from servicekit.ids import new_id
from servicekit.words import Word, known

SEALED_FOR = "invite-batch"


class InviteBatch(Base):
    """A table of people to invite to a unit. Deleted after 30 days, with its rows."""

    __tablename__ = "invite_batches"
    __table_args__ = (
        Index("ix_invite_batches_unit_id_id", "unit_id", "id"),
        known("status", InviteBatchStatus, "status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    created_by: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    file_name: Mapped[str] = mapped_column(Text)
    status: Mapped[InviteBatchStatus] = mapped_column(Word(InviteBatchStatus))
    total: Mapped[int] = mapped_column(Integer)
    wrong: Mapped[int] = mapped_column(Integer)
    sent: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    postponed: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    sent_by: Mapped[UUID | None] = mapped_column()
    """Who confirmed; their rights count while the job sends."""
    acting_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit that this person acted for."""
    job_id: Mapped[UUID | None] = mapped_column()
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def send(self, job_id: UUID, by: UUID, acting_unit_id: UUID) -> None:
        """Start to send, or go on with what was postponed. Raises `BatchNotReady`, `NobodyToInvite`."""
        if self.status not in (InviteBatchStatus.CHECKED, InviteBatchStatus.PAUSED):
            raise BatchNotReady
        if self.wrong == self.total:
            raise NobodyToInvite
        self.status, self.job_id, self.postponed = InviteBatchStatus.SENDING, job_id, 0
        self.sent_by, self.acting_unit_id = by, acting_unit_id

    def cancel(self, now: datetime) -> None:
        """Stop; what has been sent stays valid. Raises `BatchNotReady` if it has ended."""
        if self.status in (InviteBatchStatus.DONE, InviteBatchStatus.CANCELLED):
            raise BatchNotReady
        self.status, self.finished_at = InviteBatchStatus.CANCELLED, now

    def complete(self, now: datetime) -> None:
        """Note that everybody has been dealt with: invited or refused, or postponed to another day."""
        if self.postponed:
            self.status = InviteBatchStatus.PAUSED
        else:
            self.status, self.finished_at = InviteBatchStatus.DONE, now


class InviteBatchRow(Base):
    """One row of a table. The fields as they were sent contain the number, so they are encrypted."""

    __tablename__ = "invite_batch_rows"
    __table_args__ = (
        Index("uq_invite_batch_rows_batch_id_number", "batch_id", "number", unique=True),
        known("result", InviteResult, "result_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("invite_batches.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    fields_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str | None] = mapped_column(Text)
    phone_masked: Mapped[str | None] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    posts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    errors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    result: Mapped[InviteResult] = mapped_column(Word(InviteResult))
    invite_id: Mapped[UUID | None] = mapped_column()

    def invited(self, invite_id: UUID) -> None:
        """Note the invite that was sent."""
        self.result, self.invite_id, self.errors = InviteResult.SENT, invite_id, []

    def refuse(self, error: str) -> None:
        """Note why nobody was invited."""
        self.result, self.errors = InviteResult.REFUSED, [error]

    def postpone(self, reason: str) -> None:
        """Note that the row waits for another day."""
        self.result, self.errors = InviteResult.POSTPONED, [reason]


class InviteBudget(Base):
    """How many invitations a unit, or all of them (`TOTAL`), sent by tables on a day (Beijing time). Deleted
    after 30 days.
    """

    __tablename__ = "invite_budgets"

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    used: Mapped[int] = mapped_column(Integer, default=0)

    def take(self, wanted: int, limit: int) -> int:
        """Use up to `wanted` of what is left, and return how many; the row is locked."""
        granted = max(0, min(wanted, limit - self.used))
        self.used += granted
        return granted

    def give_back(self, count: int) -> None:
        """Give back what has not been used."""
        self.used -= count
