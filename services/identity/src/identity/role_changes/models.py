"""Changes of roles, proposed and confirmed by two administrators of the platform."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import PlatformRole, ProposalStatus
from identity.base import Base
from identity.role_changes.errors import RoleChangeDecided
from identity.role_changes.kinds import RoleChangeKind
from servicekit.ids import new_id
from servicekit.words import Word, known


class RoleChange(Base):
    """A new role, or what a role is to be called and to allow, or its end. A second administrator of another
    kind confirms it, except an end, which takes effect at once. The confirmed ones are the role's history.
    Kept for ever: a few rows a year.
    """

    __tablename__ = "role_changes"
    __table_args__ = (
        Index(
            "uq_role_changes_code_pending", "code", unique=True, postgresql_where=text("status = 'pending'")
        ),
        Index("ix_role_changes_code_id", "code", "id"),
        known("kind", RoleChangeKind, "kind_known"),
        known("proposed_role", PlatformRole, "proposed_role_known"),
        known("status", ProposalStatus, "status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[RoleChangeKind] = mapped_column(Word(RoleChangeKind))
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    may_grant: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[UUID] = mapped_column()
    proposed_role: Mapped[PlatformRole] = mapped_column(Word(PlatformRole))
    """The proposer's own role."""
    proposed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    status: Mapped[ProposalStatus] = mapped_column(Word(ProposalStatus))
    decided_by: Mapped[UUID | None] = mapped_column()
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def decide(self, status: ProposalStatus, by: UUID, now: datetime) -> None:
        """Confirm or refuse the change. Raises `RoleChangeDecided`."""
        if self.status != ProposalStatus.PENDING:
            raise RoleChangeDecided
        self.status, self.decided_by, self.decided_at = status, by, now
