"""Clients, authorization codes and signing keys."""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base


def secret_hash(secret: str) -> bytes:
    """How client secrets and codes are stored: they are 256 random bits, so a plain hash suffices."""
    return sha256(secret.encode()).digest()


class Client(ClientMixin, Base):  # type: ignore[misc]
    """A registered client (RFC 7591 §2 names)."""

    __tablename__ = "clients"
    __table_args__ = (
        CheckConstraint(
            "token_endpoint_auth_method IN ('none','client_secret_basic','client_secret_post')",
            name="auth_method",
        ),
        CheckConstraint(
            "(token_endpoint_auth_method = 'none') = (client_secret_hash IS NULL)",
            name="secret_iff_confidential",
        ),
    )

    client_id: Mapped[str] = mapped_column(Text, primary_key=True)
    client_name: Mapped[str] = mapped_column(Text)
    client_secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_endpoint_auth_method: Mapped[str] = mapped_column(Text)
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text))
    grant_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    audiences: Mapped[list[str]] = mapped_column(ARRAY(Text))
    first_party: Mapped[bool] = mapped_column(Boolean, default=False)
    registered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    # Authlib's ClientMixin
    def get_client_id(self) -> str:
        """The client identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """None: a redirect URI must always be given (RFC 9700 §2.1)."""
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        """The requested scopes that the client is registered for."""
        return " ".join(name for name in (scope or "").split() if name in self.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact comparison (RFC 9700 §4.1.3)."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Constant-time comparison with the stored hash."""
        stored = self.client_secret_hash
        return stored is not None and hmac.compare_digest(stored, secret_hash(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """One registered method at every endpoint."""
        return self.token_endpoint_auth_method == method

    def check_response_type(self, response_type: str) -> bool:
        """Only the code flow."""
        return response_type == "code" and "authorization_code" in self.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client is registered for the grant."""
        return grant_type in self.grant_types


class AuthorizationCode(Base):
    """One authorization code (RFC 6749 §4.1.2). Used ones are kept, so that reuse is noticed.

    Lives for a minute; pruned after a day by `DELETE ... WHERE issued_at < now() - interval '1 day'`.
    """

    __tablename__ = "authorization_codes"
    __table_args__ = (Index("ix_authorization_codes_issued_at", "issued_at"),)

    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.client_id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"))
    redirect_uri: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    resources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    nonce: Mapped[str | None] = mapped_column(Text)
    code_challenge: Mapped[str] = mapped_column(Text)
    auth_time: Mapped[int] = mapped_column(BigInteger)
    acr: Mapped[str] = mapped_column(Text)
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text))
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

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
        return self.scope

    def get_nonce(self) -> str | None:
        """The nonce of the authorization request."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When the person authenticated."""
        return self.auth_time

    def get_acr(self) -> str:
        """How strongly the person authenticated."""
        return self.acr

    def get_amr(self) -> list[str]:
        """By what means (RFC 8176)."""
        return self.amr


class SigningKey(Base):
    """A key pair; the private part is encrypted. Retired keys stay published until tokens have expired."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(Text, primary_key=True)
    alg: Mapped[str] = mapped_column(Text)
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    private_jwk_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
