"""Requests to join a unit."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import JoinRequestStatus
from identity.base import Base
from identity.joining.errors import JoinRequestDecided
from servicekit.ids import new_id
from servicekit.words import Word, known


class JoinRequest(Base):
    """A person's request to join a unit. An administrator of the unit, or of one above, decides."""

    __tablename__ = "join_requests"
    __table_args__ = (
        Index(
            "uq_join_requests_account_id_pending",
            "account_id",
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_join_requests_pending", "unit_id", "id", postgresql_where=text("status = 'pending'")),
        known("status", JoinRequestStatus, "status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    invite_id: Mapped[UUID] = mapped_column(ForeignKey("invites.id"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    status: Mapped[JoinRequestStatus] = mapped_column(
        Word(JoinRequestStatus), default=JoinRequestStatus.PENDING
    )
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[UUID | None] = mapped_column()
    reason: Mapped[str | None] = mapped_column(Text)

    def approve(self, by: UUID, now: datetime) -> None:
        """Approve the request. Raises `JoinRequestDecided`."""
        self._decide(JoinRequestStatus.APPROVED, by, now, None)

    def reject(self, by: UUID, now: datetime, reason: str) -> None:
        """Reject the request. Raises `JoinRequestDecided`."""
        self._decide(JoinRequestStatus.REJECTED, by, now, reason)

    def _decide(self, status: JoinRequestStatus, by: UUID, now: datetime, reason: str | None) -> None:
        if self.status != JoinRequestStatus.PENDING:
            raise JoinRequestDecided
        self.status = status
        self.decided_by = by
        self.decided_at = now
        self.reason = reason
