"""Protocol state: codes, refresh tokens, pushed requests, and single-use values."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from identity.base import Base
from identity.clients.models import Client
from identity.grants.models import Grant


class AuthorizationCode(Base):
    """One authorization code (RFC 6749 §4.1.2). Used ones are kept to detect reuse.

    Expires after one minute; partitioned by day of `id`, which is in the code, and dropped a day later.
    """

    __tablename__ = "authorization_codes"
    __table_args__ = {"postgresql_partition_by": "RANGE (id)"}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    grant_id: Mapped[UUID]
    redirect_uri: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str | None] = mapped_column(Text)
    code_challenge: Mapped[str | None] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    grant: Mapped[Grant] = relationship(
        primaryjoin=lambda: foreign(AuthorizationCode.grant_id) == Grant.id, lazy="joined", innerjoin=True
    )


class RefreshToken(Base):
    """One refresh token (RFC 6749 §1.5), as a hash. Used ones are kept to detect reuse.

    `id` is in the token, a UUIDv7 of the time of `expires_at`. Partitioned by day of it, and dropped a day
    later.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = {"postgresql_partition_by": "RANGE (id)"}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    grant_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    dpop_jkt: Mapped[str | None] = mapped_column(Text)
    """Thumbprint of the key that a public client's token is bound to (RFC 9449 §5)."""
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    successor_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    grant: Mapped[Grant] = relationship(
        primaryjoin=lambda: foreign(RefreshToken.grant_id) == Grant.id, lazy="joined", innerjoin=True
    )

    def check_client(self, client: Client) -> bool:
        """Return whether the token was issued to the client."""
        return self.grant.client_id == client.client_id


class OnceOnly(Base):
    """A value that must be accepted only once, like the `jti` of an assertion or proof, or a revoked token.

    The key is unique, and `expires_at` is a function of the value, so only one of two processes can insert
    it. Partitioned by day of `expires_at`, and dropped with the day.
    """

    __tablename__ = "once_only"
    __table_args__ = {"postgresql_partition_by": "RANGE (expires_at)"}  # noqa: RUF012

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)


class PushedRequest(Base):
    """A pushed authorization request (RFC 9126). The reference is stored as a hash, the parameters encrypted.

    Partitioned by day of `id`, which is in the reference, and dropped a day later.
    """

    __tablename__ = "pushed_requests"
    __table_args__ = {"postgresql_partition_by": "RANGE (id)"}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference_hash: Mapped[bytes] = mapped_column(LargeBinary)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.client_id"))
    parameters_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def open(self, now: datetime, first_seconds: int, last_seconds: int, *, again: bool = False) -> bool:
        """Use the reference. Return False if it was redeemed (unless `again`) or has expired.

        The first use must be within `first_seconds`; the person then has `last_seconds` to sign in.
        """
        if self.used_at is not None and not again:
            return False
        if self.opened_at is None:
            if now >= self.issued_at + timedelta(seconds=first_seconds):
                return False
            self.opened_at = now
        return now < self.opened_at + timedelta(seconds=last_seconds)
