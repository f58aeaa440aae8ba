"""Entitlements to other systems, and requests for them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import EntitlementRequestStatus
from identity.base import Base
from identity.entitlements.errors import EntitlementRequestDecided
from servicekit.ids import new_id
from servicekit.words import Word, known


class Entitlement(Base):
    """Permission to use another system, e.g. `cockpit`, while the person acts for a unit and until a date.
    Withdrawn ones are kept as history.
    """

    __tablename__ = "entitlements"
    __table_args__ = (
        Index(
            "uq_entitlements_account_id_name_active",
            "account_id",
            "name",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        Index("ix_entitlements_expires_at", "expires_at", postgresql_where=text("withdrawn_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit for which the person uses the system; None, from an earlier release, for any."""
    name: Mapped[str] = mapped_column(Text)
    granted_by: Mapped[UUID | None] = mapped_column()
    granted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("now() + interval '365 days'")
    )
    reviewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reviewed_by: Mapped[UUID | None] = mapped_column()
    reminded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[UUID | None] = mapped_column()
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def keep(self, by: UUID, now: datetime, until: datetime) -> None:
        """Prolong the entitlement after a review."""
        self.reviewed_by, self.reviewed_at = by, now
        self.expires_at, self.reminded_at = until, None

    def withdraw(self, by: UUID | None, now: datetime) -> None:
        """End the entitlement."""
        self.withdrawn_by = by
        self.withdrawn_at = now


class EntitlementRequest(Base):
    """A request for an entitlement, by the person or their administrator, decided one level above. Kept for
    ever: a few for each entitlement.
    """

    __tablename__ = "entitlement_requests"
    __table_args__ = (
        Index(
            "uq_entitlement_requests_account_id_name_pending",
            "account_id",
            "name",
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_entitlement_requests_account_id_id", "account_id", "id"),
        Index(
            "ix_entitlement_requests_pending", "unit_id", "id", postgresql_where=text("status = 'pending'")
        ),
        known("status", EntitlementRequestStatus, "status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    name: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[UUID] = mapped_column()
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    status: Mapped[EntitlementRequestStatus] = mapped_column(Word(EntitlementRequestStatus))
    decided_by: Mapped[UUID | None] = mapped_column()
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decision_reason: Mapped[str | None] = mapped_column(Text)

    def decide(
        self, status: EntitlementRequestStatus, by: UUID | None, now: datetime, reason: str | None = None
    ) -> None:
        """Approve, reject or withdraw the request. Raises `EntitlementRequestDecided`."""
        if self.status != EntitlementRequestStatus.PENDING:
            raise EntitlementRequestDecided
        self.status, self.decided_by, self.decided_at = status, by, now
        self.decision_reason = reason
