"""Requests to join a unit."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import JoinRequestStatus
from identity.base import Base
from identity.joining.errors import JoinRequestDecided
from identity.joining.rules import Deadline
from servicekit.ids import new_id
from servicekit.words import Word, known


class JoinRequest(Base):
    """A person's request to join a unit. An administrator of the unit, or of one above, decides.

    Undecided, it goes to the next administrators above after five workdays, and expires at last. Kept for
    ever: about one row for each membership.
    """

    __tablename__ = "join_requests"
    __table_args__ = (
        Index(
            "uq_join_requests_account_id_pending",
            "account_id",
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_join_requests_pending", "unit_id", "id", postgresql_where=text("status = 'pending'")),
        Index(
            "ix_join_requests_responsible",
            "responsible_unit_id",
            "id",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_join_requests_escalate_at", "escalate_at", postgresql_where=text("status = 'pending'")),
        Index("ix_join_requests_provisional", "id", postgresql_where=text("provisional_since IS NOT NULL")),
        Index("ix_join_requests_expires_at", "expires_at", postgresql_where=text("status = 'pending'")),
        Index("ix_join_requests_account_id_id", "account_id", "id"),
        known("status", JoinRequestStatus, "status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    invite_id: Mapped[UUID | None] = mapped_column(ForeignKey("invites.id"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    posts: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    note: Mapped[str | None] = mapped_column(Text)
    leaves_membership_id: Mapped[UUID | None] = mapped_column(ForeignKey("memberships.id"))
    """调动: the membership that ends with the approval."""
    requested_by: Mapped[UUID | None] = mapped_column()
    """The administrator who asked for the person; None if the person did."""
    status: Mapped[JoinRequestStatus] = mapped_column(
        Word(JoinRequestStatus), default=JoinRequestStatus.PENDING
    )
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    responsible_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The highest unit whose administrators have been asked so far; None for requests of earlier releases."""
    escalations: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    escalated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    escalate_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the next administrators above are asked; None if there are none."""
    provisional_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the administrators were asked whose deadline depends on workdays that are not published yet."""
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[UUID | None] = mapped_column()
    reason: Mapped[str | None] = mapped_column(Text)

    def approve(self, by: UUID, now: datetime) -> None:
        """Approve the request. Raises `JoinRequestDecided`."""
        self._decide(JoinRequestStatus.APPROVED, by, now, None)

    def reject(self, by: UUID, now: datetime, reason: str) -> None:
        """Reject the request. Raises `JoinRequestDecided`."""
        self._decide(JoinRequestStatus.REJECTED, by, now, reason)

    def withdraw(self, now: datetime) -> None:
        """Take the request back, as its applicant. Raises `JoinRequestDecided`."""
        self._decide(JoinRequestStatus.WITHDRAWN, self.account_id, now, None)

    def expire(self, now: datetime) -> None:
        """End a request that nobody decided. Raises `JoinRequestDecided`."""
        self._decide(JoinRequestStatus.EXPIRED, None, now, None)

    def ask(self, responsible: UUID, until: Deadline) -> None:
        """Ask the administrators of a unit; those above it from `until` on."""
        self.responsible_unit_id = responsible
        self.wait(until)

    def wait(self, until: Deadline | None) -> None:
        """Ask the next administrators above from `until` on; None: never."""
        self.escalate_at = None if until is None else until.at
        self.provisional_since = until.asked if until is not None and until.provisional else None

    def escalate(self, responsible: UUID | None, now: datetime, until: Deadline | None) -> None:
        """Ask the administrators of a unit further up; None if there are none left."""
        self.wait(until)
        if responsible is not None:
            self.responsible_unit_id = responsible
            self.escalations += 1
            self.escalated_at = now

    def _decide(self, status: JoinRequestStatus, by: UUID | None, now: datetime, reason: str | None) -> None:
        if self.status != JoinRequestStatus.PENDING:
            raise JoinRequestDecided
        self.status = status
        self.decided_by = by
        self.decided_at = now
        self.reason = reason
        self.wait(None)
