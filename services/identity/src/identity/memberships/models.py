"""Membership in units: invites, requests, memberships, entitlements."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import JoinRequestStatus
from identity.accounts.models import Account
from identity.base import Base
from identity.memberships.errors import InviteExpired, InviteRevoked, InviteUsedUp, JoinRequestDecided
from identity.units.models import Unit
from servicekit.ids import new_id
from servicekit.words import Word, known


class Membership(Base):
    """Membership of a person in a unit, with roles. Ended ones are kept as history."""

    __tablename__ = "memberships"
    __table_args__ = (
        Index(
            "uq_memberships_account_id_active",
            "account_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_memberships_unit_id_active", "unit_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    approved_by: Mapped[UUID | None] = mapped_column()


class Invite(Base):
    """A code that allows its holder to request membership; an administrator must still approve. Only its
    keyed hash is stored.
    """

    __tablename__ = "invites"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    max_uses: Mapped[int] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, default=0)

    def use(self, now: datetime) -> None:
        """Count one use. Raises `InviteRevoked`, `InviteExpired`, `InviteUsedUp`."""
        if self.revoked_at is not None:
            raise InviteRevoked
        if now >= self.expires_at:
            raise InviteExpired
        if self.uses >= self.max_uses:
            raise InviteUsedUp
        self.uses += 1

    def revoke(self, now: datetime) -> None:
        """Revoke the invite; idempotent."""
        if self.revoked_at is None:
            self.revoked_at = now


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


class Entitlement(Base):
    """Permission to use another system, e.g. `cockpit`. Withdrawn ones are kept as history."""

    __tablename__ = "entitlements"
    __table_args__ = (
        Index(
            "uq_entitlements_account_id_name_active",
            "account_id",
            "name",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(Text)
    granted_by: Mapped[UUID | None] = mapped_column()
    granted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[UUID | None] = mapped_column()
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def withdraw(self, by: UUID, now: datetime) -> None:
        """End the entitlement."""
        self.withdrawn_by = by
        self.withdrawn_at = now


@dataclass(frozen=True)
class Profile:
    """A person with their unit, if any, and their entitlements."""

    account: Account
    membership: Membership | None
    unit: Unit | None
    entitlements: list[str]
