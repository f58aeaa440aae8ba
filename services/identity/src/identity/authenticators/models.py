"""Authenticators of a person, in addition to SMS codes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from identity.authenticators import rules
from identity.authenticators.errors import AuthenticatorLocked
from identity.base import Base
from servicekit.ids import new_id


class Attempts:
    """Counts failed attempts and locks the authenticator. The row is locked while an attempt is checked."""

    failures: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def begin(self, now: datetime) -> None:
        """Raise `AuthenticatorLocked` while locked, even for the right value."""
        if self.locked_until is not None and now < self.locked_until:
            raise AuthenticatorLocked

    def failed(self, now: datetime) -> None:
        """Count a failed attempt. The last allowed one locks the authenticator and resets the count."""
        self.failures += 1
        if self.failures >= rules.MAX_FAILURES:
            self.failures, self.locked_until = 0, now + rules.LOCK

    def succeeded(self) -> None:
        """Reset the count of failed attempts."""
        self.failures, self.locked_until = 0, None


class Password(Attempts, Base):
    """A person's password as an argon2id hash, with the hashes of previous passwords."""

    __tablename__ = "passwords"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    hash: Mapped[str] = mapped_column(Text)
    previous: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    def replace(self, new_hash: str, now: datetime) -> None:
        """Set a new password and drop the oldest hash from the history."""
        self.previous = [self.hash, *self.previous][: rules.HISTORY - 1]
        self.hash, self.changed_at = new_hash, now


class Totp(Attempts, Base):
    """A person's TOTP secret (RFC 6238), encrypted."""

    __tablename__ = "totp_secrets"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)
    """Time step of the last accepted code. This step and earlier ones are rejected (RFC 6238 §5.2)."""
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def totp_purpose(account_id: UUID) -> str:
    """Return the vault's purpose of a TOTP secret."""
    return f"totp:{account_id}"


def recovery_purpose(account_id: UUID) -> str:
    """Return the vault's purpose of a recovery code."""
    return f"recovery:{account_id}"


class RecoveryCode(Base):
    """A single-use code that replaces a lost TOTP. Deleted when used.

    It is found by its keyed hash. The encrypted code is needed for a new hash under a new key; whoever can
    decrypt it can decrypt the TOTP secret, too.
    """

    __tablename__ = "recovery_codes"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    code_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """None for codes that an earlier release made."""


class Passkey(Base):
    """A WebAuthn credential. The public key is stored unencrypted."""

    __tablename__ = "passkeys"
    __table_args__ = (Index("ix_passkeys_account_id", "account_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    synced: Mapped[bool] = mapped_column(Boolean)
    """Whether the passkey can be synced to other devices (backup eligible)."""
    name: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def amr(self) -> list[str]:
        """Return `amr` (RFC 8176 §2): hardware or software key, user presence, user verification by the
        device.
        """
        return ["swk" if self.synced else "hwk", "user", "mfa"]


class SpentChallenge(Base):
    """A used WebAuthn challenge. Rows past `expires_at` are deleted when the next challenge is used."""

    __tablename__ = "spent_challenges"
    __table_args__ = (Index("ix_spent_challenges_expires_at", "expires_at"),)

    challenge_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
