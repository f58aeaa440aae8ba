"""Grants and credentials as they were read under their locks, without a session that would write changes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from identity.clients.models import Client
from identity.grants.models import Grant
from identity.sessions.models import BrowserSession


@dataclass(slots=True)
class GrantSnapshot:
    """A grant; see `Grant`."""

    id: UUID
    client_id: str
    account_id: UUID | None
    session_id: UUID | None
    scope: str
    resources: list[str]
    auth_time: int | None
    acr: str | None
    amr: list[str]
    dpop_jkt: str | None
    claims: dict[str, list[str]] | None
    expires_at: datetime
    revoked_at: datetime | None
    generation: int

    @classmethod
    def of(cls, row: Any) -> "GrantSnapshot":
        """Build from the columns of `issuing_statements.GRANT`."""
        return cls(
            row.grant_id,
            row.grant_client_id,
            row.grant_account_id,
            row.grant_session_id,
            row.grant_scope,
            row.grant_resources,
            row.grant_auth_time,
            row.grant_acr,
            row.grant_amr,
            row.grant_dpop_jkt,
            None if row.grant_claims is None else from_json(row.grant_claims),
            row.grant_expires_at,
            row.grant_revoked_at,
            row.grant_generation,
        )


AnyGrant = Grant | GrantSnapshot


class _OfGrant:
    """Data of an ID token from the grant, with the methods of Authlib's `AuthorizationCodeMixin`."""

    grant: GrantSnapshot

    def get_scope(self) -> str:
        """Return the granted scope."""
        return self.grant.scope

    def get_auth_time(self) -> int | None:
        """Return when the person authenticated, also after a refresh (OpenID Connect Core §12.2)."""
        return self.grant.auth_time

    def get_acr(self) -> str | None:
        """Return the level of authentication."""
        return self.grant.acr

    def get_amr(self) -> list[str]:
        """Return the authentication methods (RFC 8176)."""
        return self.grant.amr


@dataclass
class CodeSnapshot(_OfGrant):
    """An authorization code; see `AuthorizationCode`."""

    id: UUID
    grant: GrantSnapshot
    redirect_uri: str
    nonce: str | None
    code_challenge: str | None
    issued_at: datetime
    used_at: datetime | None

    code_challenge_method = "S256"

    def expired(self, now: datetime, seconds: int) -> bool:
        """Return whether the code has expired."""
        return now >= self.issued_at + timedelta(seconds=seconds)

    # Authlib's AuthorizationCodeMixin
    def get_redirect_uri(self) -> str:
        """Return the redirect URI of the authorization request."""
        return self.redirect_uri

    def get_nonce(self) -> str | None:
        """Return the nonce of the authorization request."""
        return self.nonce


@dataclass
class RefreshTokenSnapshot(_OfGrant):
    """A refresh token; see `RefreshToken`."""

    id: UUID
    grant: GrantSnapshot
    expires_at: datetime
    dpop_jkt: str | None
    used_at: datetime | None
    successor_id: UUID | None
    revoked_at: datetime | None

    def check_client(self, client: Client) -> bool:
        """Return whether the token was issued to the client."""
        return self.grant.client_id == client.client_id

    def retried(self, now: datetime, grace_seconds: int) -> bool:
        """Return whether reuse may be a retry after a lost response; not long before the use either, when the
        clock was set back.
        """
        return self.used_at is not None and abs(now - self.used_at) < timedelta(seconds=grace_seconds)

    def get_nonce(self) -> str | None:
        """Return None: a refreshed ID token has no nonce (OpenID Connect Core §12.2)."""
        return None


@dataclass(frozen=True, slots=True)
class RevocableToken:
    """A refresh token that its client revokes."""

    id: UUID
    grant: GrantSnapshot
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Successor:
    """The refresh token that replaced another one."""

    id: UUID
    token_hash: bytes
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewRefreshToken:
    """A refresh token to be stored."""

    value: str
    grant_id: UUID
    issued_at: datetime
    expires_at: datetime
    dpop_jkt: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """The active account of a session."""

    id: UUID
    name: str
    phone_masked: str


@dataclass(frozen=True)
class Visitor:
    """A browser with a session: its person, None if the account is not active, and the versions of the
    issuer's documents that they have agreed to.
    """

    session: BrowserSession
    person: Person | None
    agreed: set[tuple[str, str]]
