"""Accounts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import AccountStatus
from identity.accounts.errors import AccountNotActive, AccountNotSuspended, SuspendedAbove
from identity.base import Base
from identity.vault import Slots
from servicekit.ids import new_id
from servicekit.ltree import LTree, is_under
from servicekit.words import Word, known


class Account(Base):
    """A real-name account. `id` is the opaque `sub`. It is never derived from the phone number, which can be
    reassigned to another person.

    The number is stored encrypted and found by its blind index; `phone_masked` may be displayed. The index
    under a key of even version is in a column of its own: see `Vault.slots`.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        Index(
            "uq_accounts_phone_index", "phone_index", unique=True, postgresql_where=text("status <> 'closed'")
        ),
        Index(
            "uq_accounts_phone_index_even",
            "phone_index_even",
            unique=True,
            postgresql_where=text("status <> 'closed' AND phone_index_even IS NOT NULL"),
        ),
        Index(
            "ix_accounts_suspended_by_path",
            "suspended_by_path",
            postgresql_using="gist",
            postgresql_where=text("suspended_by_path IS NOT NULL"),
        ),
        Index(
            "uq_accounts_id_number_index",
            "id_number_index",
            unique=True,
            postgresql_where=text("status <> 'closed' AND id_number_index IS NOT NULL"),
        ),
        Index(
            "uq_accounts_id_number_index_even",
            "id_number_index_even",
            unique=True,
            postgresql_where=text("status <> 'closed' AND id_number_index_even IS NOT NULL"),
        ),
        CheckConstraint("phone_index IS NOT NULL OR phone_index_even IS NOT NULL", name="phone_indexed"),
        known("status", AccountStatus, "status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    phone_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index_even: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_masked: Mapped[str] = mapped_column(Text)
    phone_verified_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    phone_lost_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the number went to another person. Since then `phone_sealed` is a placeholder, which no number
    equals.
    """
    id_number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index_even: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_masked: Mapped[str | None] = mapped_column(Text)
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the real name was verified with the identity number."""
    verified_by: Mapped[str | None] = mapped_column(Text)
    """The provider that verified it."""
    status: Mapped[AccountStatus] = mapped_column(Word(AccountStatus), default=AccountStatus.ACTIVE)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    registered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    suspended_by_path: Mapped[str | None] = mapped_column(LTree)
    """Path of the unit whose administrator suspended the account. Only this unit or one above can restore it.
    """

    def change_phone(self, sealed: bytes, slots: Slots, masked: str, now: datetime) -> None:
        """Set a number that was verified just now."""
        self.phone_sealed, self.phone_masked = sealed, masked
        self.phone_index, self.phone_index_even = slots
        self.phone_verified_at, self.phone_lost_at = now, None

    def lose_phone(self, sealed: bytes, slots: Slots, now: datetime) -> None:
        """Replace the number by a placeholder, because somebody else has it now. Idempotent."""
        if self.phone_lost_at is None:
            self.phone_sealed = sealed
            self.phone_index, self.phone_index_even = slots
            self.phone_masked, self.phone_lost_at = "", now

    def rename(self, name: str) -> None:
        """Correct the name."""
        self.name = name

    def verify(self, sealed: bytes, slots: Slots, masked: str, by: str, now: datetime) -> None:
        """Record the verified identity number."""
        self.id_number_sealed, self.id_number_masked = sealed, masked
        self.id_number_index, self.id_number_index_even = slots
        self.verified_at, self.verified_by = now, by

    def close(self, name: str, sealed: bytes, slots: Slots, now: datetime) -> None:
        """End the account and replace its personal data; `name` and the placeholder of the number stand for
        all closed accounts. Raises `AccountNotActive`.
        """
        if self.status != AccountStatus.ACTIVE:
            raise AccountNotActive
        self.status, self.name = AccountStatus.CLOSED, name
        self.lose_phone(sealed, slots, now)
        self.id_number_sealed = self.id_number_index = self.id_number_index_even = None
        self.id_number_masked = self.suspended_by_path = None

    def suspend(self, by_path: str) -> None:
        """Suspend the account for an administrator of the unit at `by_path`. Raises `AccountNotActive`."""
        if self.status != AccountStatus.ACTIVE:
            raise AccountNotActive
        self.status = AccountStatus.SUSPENDED
        self.suspended_by_path = by_path
        self.version += 1

    def restore(self, by_path: str) -> None:
        """Restore a suspended account. Raises `AccountNotSuspended`, `SuspendedAbove`."""
        if self.status != AccountStatus.SUSPENDED:
            raise AccountNotSuspended
        if self.suspended_by_path is not None and not is_under(self.suspended_by_path, by_path):
            raise SuspendedAbove
        self.suspended_by_path = None
        self.status = AccountStatus.ACTIVE
        self.version += 1
