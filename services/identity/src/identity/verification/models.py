"""Records of real-name checks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import RealNameOutcome
from identity.base import Base
from servicekit.ids import new_id
from servicekit.words import Word, known


class RealNameCheck(Base):
    """One answer of a provider of real-name checks, without name and number.

    Partitioned by month of `id`, and dropped after two years.
    """

    __tablename__ = "real_name_checks"
    __table_args__ = (
        Index("ix_real_name_checks_subject_at", "subject", "at"),
        known("outcome", RealNameOutcome, "outcome_known"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[bytes] = mapped_column(LargeBinary)
    """Blind index of the account, or of the phone number of somebody who has none yet."""
    account_id: Mapped[UUID | None] = mapped_column()
    provider: Mapped[str] = mapped_column(Text)
    outcome: Mapped[RealNameOutcome] = mapped_column(Word(RealNameOutcome))
    reference: Mapped[str | None] = mapped_column(Text)
    """The provider's own number of the check."""
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
