"""What the protocol remembers: codes, refresh tokens, pushed requests, and what may be used only once."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from identity.base import Base
from identity.clients.models import Client
from identity.grants.models import Grant


class AuthorizationCode(Base):
    """One authorization code (RFC 6749 §4.1.2). Used ones are kept, so that reuse is noticed.

    Lives for a minute; partitioned by day of `id`, which is in the code, and dropped a day later.
    """

    __tablename__ = "authorization_codes"
    __table_args__ = {"postgresql_partition_by": "RANGE (id)"}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    grant_id: Mapped[UUID]
    redirect_uri: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str | None] = mapped_column(Text)
    code_challenge: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    grant: Mapped[Grant] = relationship(
        primaryjoin=lambda: foreign(AuthorizationCode.grant_id) == Grant.id, lazy="joined", innerjoin=True
    )

    code_challenge_method = "S256"

    def expired(self, now: datetime, seconds: int) -> bool:
        """Whether the code is too old."""
        return now >= self.issued_at + timedelta(seconds=seconds)

    # Authlib's AuthorizationCodeMixin
    def get_redirect_uri(self) -> str:
        """The redirect URI of the authorization request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The granted scope."""
        return self.grant.scope

    def get_nonce(self) -> str | None:
        """The nonce of the authorization request."""
        return self.nonce

    def get_auth_time(self) -> int | None:
        """When the person authenticated."""
        return self.grant.auth_time

    def get_acr(self) -> str | None:
        """How strongly the person authenticated."""
        return self.grant.acr

    def get_amr(self) -> list[str]:
        """By what means (RFC 8176)."""
        return self.grant.amr


class RefreshToken(Base):
    """One refresh token (RFC 6749 §1.5), as a hash. Used ones are kept, so that reuse is noticed.

    `id` is in the token, a UUIDv7 of the time of `expires_at`. Partitioned by day of it, and dropped a
    day later.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = {"postgresql_partition_by": "RANGE (id)"}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    grant_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    dpop_jkt: Mapped[str | None] = mapped_column(Text)
    """RFC 9449 §5: the key that a public client's token is bound to."""
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    successor_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    grant: Mapped[Grant] = relationship(
        primaryjoin=lambda: foreign(RefreshToken.grant_id) == Grant.id, lazy="joined", innerjoin=True
    )

    def retried(self, now: datetime, grace_seconds: int) -> bool:
        """Whether a second use may be the retry of a client that has lost the answer to its first."""
        return self.used_at is not None and now < self.used_at + timedelta(seconds=grace_seconds)

    # What the ID token is made from, as of an authorization code.
    def check_client(self, client: Client) -> bool:
        """Whether the token was issued to the client."""
        return self.grant.client_id == client.client_id

    def get_scope(self) -> str:
        """The granted scope."""
        return self.grant.scope

    def get_nonce(self) -> str | None:
        """None: a refreshed ID token has no nonce (OpenID Connect Core §12.2)."""
        return None

    def get_auth_time(self) -> int | None:
        """When the person authenticated, not when the token was refreshed (OpenID Connect Core §12.2)."""
        return self.grant.auth_time

    def get_acr(self) -> str | None:
        """How strongly the person authenticated."""
        return self.grant.acr

    def get_amr(self) -> list[str]:
        """By what means (RFC 8176)."""
        return self.grant.amr


class OnceOnly(Base):
    """Something that must not be accepted twice: the `jti` of an assertion or proof, a withdrawn token.

    The key is unique, so of two processes only one can insert it: `expires_at` follows from what is noted.
    Partitioned by day of `expires_at`, and dropped with the day.
    """

    __tablename__ = "once_only"
    __table_args__ = {"postgresql_partition_by": "RANGE (expires_at)"}  # noqa: RUF012

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)


class PushedRequest(Base):
    """A pushed authorization request (RFC 9126). The reference is stored as a hash, the parameters sealed.

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

    def open(self, now: datetime, first_seconds: int, last_seconds: int) -> bool:
        """Present the reference; False when it is used up or too old.

        It must arrive within `first_seconds`; the person then has `last_seconds` to sign in.
        """
        if self.used_at is not None:
            return False
        if self.opened_at is None:
            if now >= self.issued_at + timedelta(seconds=first_seconds):
                return False
            self.opened_at = now
        return now < self.opened_at + timedelta(seconds=last_seconds)
