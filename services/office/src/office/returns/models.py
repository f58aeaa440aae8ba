"""Returns of notices."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import ReturnStatus
from office.base import Base
from office.returns.errors import ReturnDecided
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)
STANDING = (ReturnStatus.OPEN, ReturnStatus.CONFIRMED)
"""A unit with such a return neither signs nor forwards."""


class Return(Base):
    """A unit returned a notice to the unit whose dispatch reached it, with a reason.

    `number` counts the returns of one unit, because a notice may be sent again and returned again.
    """

    __tablename__ = "notice_returns"
    __table_args__ = (
        known("status", ReturnStatus, "status"),
        CheckConstraint("(status = 'open') = (decided_at IS NULL)", name="decided"),
        Index(
            "uq_notice_returns_standing",
            "notice_id",
            "unit_id",
            unique=True,
            postgresql_where=text("status IN ('open', 'confirmed')"),
        ),
        Index("ix_notice_returns_to", "to_unit_id", "returned_at", "notice_id", "unit_id", "number"),
    )

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    to_unit_id: Mapped[UUID] = mapped_column(doc="the unit whose dispatch reached the unit")
    forwarding_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Text)
    returned_by: Mapped[UUID]
    returned_at: Mapped[datetime] = mapped_column(_INSTANT)
    status: Mapped[ReturnStatus] = mapped_column(Word(ReturnStatus))
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    note: Mapped[str | None] = mapped_column(Text, doc="what the sender answered")

    @property
    def key(self) -> str:
        """The key of the sender's task."""
        return f"return/{self.notice_id}/{self.unit_id}/{self.number}"

    def confirm(self, note: str | None, *, by: UUID, now: datetime) -> None:
        """Accept that the unit does not handle the notice. Raises `ReturnDecided` unless it is open."""
        self._decide(ReturnStatus.CONFIRMED, (ReturnStatus.OPEN,), note, by, now)

    def resend(self, note: str | None, *, by: UUID, now: datetime) -> None:
        """Have the unit handle the notice after all. Raises `ReturnDecided` unless the return stands."""
        self._decide(ReturnStatus.RESENT, STANDING, note, by, now)

    def cancel(self, *, by: UUID, now: datetime) -> None:
        """Take the return back. Raises `ReturnDecided` unless it is open."""
        self._decide(ReturnStatus.CANCELLED, (ReturnStatus.OPEN,), None, by, now)

    def _decide(
        self,
        status: ReturnStatus,
        allowed: tuple[ReturnStatus, ...],
        note: str | None,
        by: UUID,
        now: datetime,
    ) -> None:
        if self.status not in allowed:
            raise ReturnDecided(f"该退回{self.status.label}，不能再作此处理。")
        self.status, self.note, self.decided_by, self.decided_at = status, note, by, now
