"""Proposals to appoint and dismiss administrators of the platform."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import PlatformRole, ProposalStatus
from identity.appointments.errors import ProposalDecided
from identity.base import Base
from servicekit.ids import new_id
from servicekit.words import Word, known


class PlatformProposal(Base):
    """A proposal to give a person a role, or to take it away (`role` is None). A second administrator, of
    another kind than the proposer, confirms it. Kept for ever: a few rows a year.
    """

    __tablename__ = "platform_proposals"
    __table_args__ = (
        Index(
            "uq_platform_proposals_account_id_pending",
            "account_id",
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        known("role", PlatformRole, "role_known"),
        known("proposed_role", PlatformRole, "proposed_role_known"),
        known("status", ProposalStatus, "status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    role: Mapped[PlatformRole | None] = mapped_column(Word(PlatformRole))
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[UUID] = mapped_column()
    proposed_role: Mapped[PlatformRole] = mapped_column(Word(PlatformRole))
    """The proposer's own role."""
    proposed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    status: Mapped[ProposalStatus] = mapped_column(Word(ProposalStatus))
    decided_by: Mapped[UUID | None] = mapped_column()
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def decide(self, status: ProposalStatus, by: UUID, now: datetime) -> None:
        """Confirm or refuse the proposal. Raises `ProposalDecided`."""
        if self.status != ProposalStatus.PENDING:
            raise ProposalDecided
        self.status, self.decided_by, self.decided_at = status, by, now
