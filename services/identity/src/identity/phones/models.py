"""Changes of phone numbers that wait for a decision or a time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import PhoneChangeKind, PhoneChangeStatus
from identity.base import Base
from identity.phones.errors import ChangeDecided
from servicekit.ids import new_id
from servicekit.words import Word, known

SEALED_FOR = "phone-change"


class PhoneChange(Base):
    """A new number for an account, not confirmed by the old one. At most one is open for each account.

    The new number is encrypted, and deleted when the change is finished. A row stays as long as its account.
    """

    __tablename__ = "phone_changes"
    __table_args__ = (
        Index(
            "uq_phone_changes_account_id_open",
            "account_id",
            unique=True,
            postgresql_where=text("finished_at IS NULL"),
        ),
        Index("ix_phone_changes_due_at", "due_at", postgresql_where=text("finished_at IS NULL")),
        Index("ix_phone_changes_account_id", "account_id"),
        known("kind", PhoneChangeKind, "kind_known"),
        known("status", PhoneChangeStatus, "status_known"),
        CheckConstraint("(phone_sealed IS NOT NULL) = (finished_at IS NULL)", name="number_while_open"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[PhoneChangeKind] = mapped_column(Word(PhoneChangeKind))
    status: Mapped[PhoneChangeStatus] = mapped_column(Word(PhoneChangeStatus))
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_masked: Mapped[str] = mapped_column(Text)
    id_matched: Mapped[bool] = mapped_column(Boolean)
    """Whether the person gave the verified identity number of the account."""
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When it takes effect; None until an administrator has approved it."""
    decided_by: Mapped[UUID | None] = mapped_column()
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    in_person: Mapped[bool] = mapped_column(Boolean, default=False)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(Text)
    """Why it was rejected, cancelled or failed."""

    def approve(self, by: UUID, due: datetime, now: datetime, *, in_person: bool) -> None:
        """Approve a recovery, which takes effect at `due`. Raises `ChangeDecided`."""
        if self.status != PhoneChangeStatus.REQUESTED:
            raise ChangeDecided
        self.status, self.due_at = PhoneChangeStatus.WAITING, due
        self.decided_by, self.decided_at, self.in_person = by, now, in_person

    def reject(self, by: UUID, why: str, now: datetime) -> None:
        """Reject a recovery. Raises `ChangeDecided`."""
        if self.status != PhoneChangeStatus.REQUESTED:
            raise ChangeDecided
        self.decided_by, self.decided_at = by, now
        self.finish(PhoneChangeStatus.REJECTED, now, why)

    def finish(self, status: PhoneChangeStatus, now: datetime, why: str | None = None) -> None:
        """End the change and delete the new number. Raises `ChangeDecided` if it has ended before."""
        if self.finished_at is not None:
            raise ChangeDecided
        self.status, self.finished_at, self.outcome = status, now, why
        self.phone_sealed = None
