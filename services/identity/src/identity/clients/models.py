"""Registered clients, their secrets, and initial access tokens (RFC 7591)."""

import hmac
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    false,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.vocabulary import ClientStatus
from identity.base import Base
from identity.clients.kinds import DisabledBy
from servicekit.ids import new_id
from servicekit.words import Word, known


class InitialAccessToken(Base):
    """Authorizes its bearer to register clients for one unit, with a limited number of uses and lifetime.
    Stored as a hash.
    """

    __tablename__ = "initial_access_tokens"
    __table_args__ = (CheckConstraint("uses <= max_uses", name="uses_within"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    owner_unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    note: Mapped[str] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    max_uses: Mapped[int] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, default=0)

    def usable(self, now: datetime) -> bool:
        """Return whether the token allows another registration."""
        return self.revoked_at is None and now < self.expires_at and self.uses < self.max_uses


def secret_hash(secret: str) -> bytes:
    """Hash client secrets and codes. They contain 256 random bits, so an unsalted hash is sufficient."""
    return sha256(secret.encode()).digest()


_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?(/[^#\s]*)?")


def without_port(uri: str) -> tuple[str, str] | None:
    """Return host and remainder of a loopback redirect URI, or None for any other URI."""
    found = _LOOPBACK.fullmatch(uri)
    if found is None or int(found.group(2) or 1) > 65535:
        return None
    return found.group(1), found.group(3) or ""


class Client(ClientMixin, Base):  # type: ignore[misc]
    """A registered client (RFC 7591 §2 names)."""

    __tablename__ = "clients"
    __table_args__ = (
        CheckConstraint(
            "token_endpoint_auth_method IN "
            "('none','client_secret_basic','client_secret_post','private_key_jwt')",
            name="auth_method",
        ),
        known("status", ClientStatus, "status_known"),
        known("disabled_by", DisabledBy, "disabled_by_known"),
        Index("ix_clients_owner_unit_id", "owner_unit_id"),
    )

    client_id: Mapped[str] = mapped_column(Text, primary_key=True)
    client_name: Mapped[str] = mapped_column(Text)
    client_uri: Mapped[str | None] = mapped_column(Text)
    logo_uri: Mapped[str | None] = mapped_column(Text)
    policy_uri: Mapped[str | None] = mapped_column(Text)
    contacts: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    owner_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    token_endpoint_auth_method: Mapped[str] = mapped_column(Text)
    additional_token_endpoint_auth_methods: Mapped[list[str]] = mapped_column(
        ARRAY(Text), default=list, server_default="{}"
    )
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    jwks_uri: Mapped[str | None] = mapped_column(Text)
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text))
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(
        ARRAY(Text), default=list, server_default="{}"
    )
    allowed_origins: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """Whose scripts call the protocol endpoints (CORS): of a client that runs in browsers."""
    backchannel_logout_uri: Mapped[str | None] = mapped_column(Text)
    frontchannel_logout_uri: Mapped[str | None] = mapped_column(Text)
    backchannel_logout_session_required: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false()
    )
    frontchannel_logout_session_required: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false()
    )
    initiate_login_uri: Mapped[str | None] = mapped_column(Text)
    grant_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    audiences: Mapped[list[str]] = mapped_column(ARRAY(Text))
    id_token_signed_response_alg: Mapped[str] = mapped_column(Text, default="ES256", server_default="ES256")
    default_max_age: Mapped[int | None] = mapped_column(Integer)
    default_acr_values: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    require_pushed_authorization_requests: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false()
    )
    dpop_bound_access_tokens: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    require_pkce: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    first_party: Mapped[bool] = mapped_column(Boolean, default=False)
    registered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    application_type: Mapped[str] = mapped_column(Text, default="web", server_default="web")
    tos_uri: Mapped[str | None] = mapped_column(Text)
    userinfo_signed_response_alg: Mapped[str | None] = mapped_column(Text)
    name_in_id_token: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    status: Mapped[ClientStatus] = mapped_column(
        Word(ClientStatus), default=ClientStatus.ACTIVE, server_default="active"
    )
    disabled_by: Mapped[DisabledBy | None] = mapped_column(Word(DisabledBy))
    """Of a disabled client; None: an earlier release disabled it."""
    disabled_by_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    registration_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    proposed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Metadata that the unit asks the centre to approve; until then the registration is as it was."""
    proposed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    grant_generation: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """Grants of another generation are revoked: disabling a client increments this to revoke all of its
    grants.
    """

    secrets: Mapped[list["ClientSecret"]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="ClientSecret.created_at"
    )

    def propose(self, metadata: dict[str, Any] | None, now: datetime | None) -> None:
        """Keep a change for the centre to approve, in place of an earlier one; None: there is none."""
        self.proposed, self.proposed_at = metadata, now

    def detached(self) -> "Client":
        """Return a copy detached from any session, including secrets."""
        columns = {column.key: getattr(self, column.key) for column in self.__mapper__.column_attrs}
        return Client(**columns, secrets=[row.detached() for row in self.secrets])

    @property
    def auth_methods(self) -> list[str]:
        """The methods that the client may authenticate with."""
        return [self.token_endpoint_auth_method, *(self.additional_token_endpoint_auth_methods or ())]

    # Authlib's ClientMixin
    def get_client_id(self) -> str:
        """Return the client identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """Return None: a redirect URI is always required (RFC 9700 §2.1)."""
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return the requested scopes that the client is registered for."""
        return " ".join(name for name in (scope or "").split() if name in self.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Compare exactly (RFC 9700 §4.1.3), except the port of a loopback URI (RFC 8252 §7.3)."""
        if redirect_uri in self.redirect_uris:
            return True
        return self.application_type == "native" and any(
            without_port(redirect_uri) == without_port(uri) is not None for uri in self.redirect_uris
        )

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare with the stored hashes in constant time; during rotation there are two."""
        given, now = secret_hash(client_secret), datetime.now(UTC)
        fits = [hmac.compare_digest(row.secret_hash, given) and row.valid(now) for row in self.secrets]
        return any(fits)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Check the registered methods, which are the same for every endpoint."""
        return method in self.auth_methods

    def check_response_type(self, response_type: str) -> bool:
        """Support only the code flow."""
        return response_type == "code" and "authorization_code" in self.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client is registered for the grant type."""
        return grant_type in self.grant_types


class ClientSecret(Base):
    """One secret of a client, as a hash. During rotation the old one stays valid until `expires_at`."""

    __tablename__ = "client_secrets"

    client_id: Mapped[str] = mapped_column(
        ForeignKey("clients.client_id", ondelete="CASCADE"), primary_key=True
    )
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def detached(self) -> "ClientSecret":
        """Return a copy detached from any session."""
        columns = {column.key: getattr(self, column.key) for column in self.__mapper__.column_attrs}
        return ClientSecret(**columns)

    def valid(self, now: datetime) -> bool:
        """Return whether the secret is active."""
        return self.expires_at is None or now < self.expires_at
