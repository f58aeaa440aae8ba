"""Delegation of roles for a time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import DelegationEnding
from identity.base import Base
from servicekit.ids import new_id
from servicekit.words import Word, known


class Delegation(Base):
    """委托: one member of a unit lets another one act with some of their roles there, between two instants.

    It has an effect only while both belong to the unit and the delegator's account is active, and only for
    roles that the delegator still holds.
    """

    __tablename__ = "delegations"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        known("end_cause", DelegationEnding, "end_cause_known"),
        Index("ix_delegations_to_membership_id_id", "to_membership_id", "id"),
        Index("ix_delegations_from_membership_id_id", "from_membership_id", "id"),
        Index("ix_delegations_unit_id_id", "unit_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    from_membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    to_membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_by: Mapped[UUID | None] = mapped_column()
    end_cause: Mapped[DelegationEnding | None] = mapped_column(Word(DelegationEnding))
    """Why it ended early; None also for what ended before causes were recorded."""

    def end(self, by: UUID | None, now: datetime, cause: DelegationEnding) -> bool:
        """End the delegation early. Return False if it had ended."""
        if self.revoked_at is not None or now >= self.ends_at:
            return False
        self.revoked_at, self.revoked_by, self.end_cause = now, by, cause
        return True
