"""Request context of the synchronous protocol code.

Authlib passes no request-scoped object to its hooks, so the context is in a ContextVar that is set around
each call.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from contracts.vocabulary import PolicyKind
from identity.audit.service import AuditLog
from identity.audit.writer import AuditWriter
from identity.clients.cache import ClientCache
from identity.clients.models import Client
from identity.consents.service import Consents
from identity.grants.models import Grant
from identity.grants.service import Grants
from identity.keys.ring import KeyRing, PrivateKey, PublicKey
from identity.oauth.state.browsing_repository import BrowsingRepository
from identity.oauth.state.issuing_repository import IssuingRepository
from identity.oauth.state.repository import OAuthRepository
from identity.oauth.state.snapshots import AnyGrant, Visitor
from identity.oauth.state.subject import Subject
from identity.oauth.state.token_repository import TokenRepository
from identity.oauth.state.transactions import Transaction
from identity.oauth.state.verified import VerifiedTokens
from identity.policies.rules import Document
from identity.sessions.models import BrowserSession
from identity.settings import Settings
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.lane_sessions import SessionNeeded


@dataclass(frozen=True)
class Parts:
    """Objects that all calls in this process share."""

    settings: Settings
    clock: Clock
    keys: KeyRing
    clients: ClientCache
    records: AuditWriter
    policies: Mapping[PolicyKind, Document]
    """The current version of each document of the issuer."""
    verified: VerifiedTokens = field(default_factory=VerifiedTokens)


def person_in(session: Session, sub: UUID, sid: UUID | None, now: datetime) -> Subject | None:
    """Return a person as tokens describe them now, in a session or (None) outside of any."""
    return OAuthRepository(session).person(sub, sid, now)


@dataclass(frozen=True)
class Services:
    """Services of other features, in the transaction of the call; consents need a session."""

    audit: AuditLog
    grants: Grants
    consents: Consents | None


@dataclass
class Context:
    """Context of one call into the protocol core.

    `session`, and all that needs it, raise `SessionNeeded` if the call runs on a lane.
    """

    transaction: Transaction
    parts: Parts
    services: Services
    browser: BrowserSession | None = None
    visitor: Visitor | None = None
    """What was read with `browser`, if that was read in this call."""
    dpop_jkt: str | None = None
    """Thumbprint of the key proven by the request (RFC 9449 §6.1)."""
    record: dict[str, Any] | None = None
    """The audit record of a call that writes nothing else: to be written before the response, by
    `AuditWriter.write`.
    """
    _subjects: dict[UUID, tuple[AnyGrant, Subject] | None] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """The sync interface of the request's session."""
        return self.transaction.session

    @property
    def audit(self) -> AuditLog:
        """The audit log."""
        return self.services.audit

    @property
    def grants(self) -> Grants:
        """Revocation of grants."""
        return self.services.grants

    @property
    def consents(self) -> Consents:
        """What people have agreed to."""
        if self.services.consents is None:
            raise SessionNeeded
        return self.services.consents

    @property
    def settings(self) -> Settings:
        """The service's settings."""
        return self.parts.settings

    @property
    def clock(self) -> Clock:
        """The service's clock."""
        return self.parts.clock

    @property
    def keys(self) -> KeyRing:
        """The signing keys."""
        return self.parts.keys

    def client(self, client_id: str) -> Client | None:
        """Return an active client, possibly cached for a moment."""
        clients = self.parts.clients
        return clients.remembered(client_id) or self.transaction.read(lambda s: clients.get(s, client_id))

    def signing_key(self, alg: str = "ES256") -> PrivateKey:
        """Return the signing key. Raises `NoSigningKey`."""
        return self.keys.remembered(alg) or self.transaction.read(lambda s: self.keys.active(s, alg))

    def published_key(self, kid: str) -> tuple[str, PublicKey] | None:
        """Return algorithm and key to verify a token of this issuer; None for a key not in the JWKS."""
        lately = self.keys.published_lately(kid)
        return lately or self.transaction.read(lambda s: self.keys.published(s, kid))

    def subject(self, grant: Grant) -> Subject | None:
        """Return the person of a grant, with account and grant locked against changes of token claims before
        the commit. Looked up once per call.

        The account is locked first: a suspension locks it and then waits for the grants.
        """
        if grant.id not in self._subjects:
            if grant.account_id is not None:
                self.issuing.lock_account(grant.account_id)
            self._subjects[grant.id] = self.issuing.subject(grant.id, self.clock.now(), lock=True)
        found = self._subjects[grant.id]
        return None if found is None else found[1]

    def active_subject(self, grant: AnyGrant) -> Subject | None:
        """Return the person of a grant if client, grant, account and session are all active."""
        client = self.client(grant.client_id)
        if client is None or client.grant_generation != grant.generation:
            return None
        if isinstance(grant, Grant):
            self.subject(grant)
        found = self._subjects[grant.id]
        # As it was read under the lock: another transaction may have ended it until then.
        if found is None or not found[1].active or found[0].revoked_at is not None:
            return None
        subject = found[1]
        if grant.session_id is None:
            return subject
        since, absolute = subject.in_session_since, timedelta(seconds=self.settings.session_absolute_seconds)
        return subject if since is not None and self.clock.now() < since + absolute else None

    def remember(self, grant: AnyGrant, subject: Subject) -> None:
        """Record a grant and its person read by another query."""
        self._subjects[grant.id] = grant, subject

    @property
    def issuing(self) -> IssuingRepository:
        """Queries of the busiest calls in this call's transaction."""
        return IssuingRepository(self.transaction)

    @property
    def browsing(self) -> BrowsingRepository:
        """Queries of authorization requests in this call's transaction."""
        return BrowsingRepository(self.transaction)

    @property
    def rows(self) -> OAuthRepository:
        """Queries in this call's transaction."""
        return OAuthRepository(self.session)

    @property
    def token_rows(self) -> TokenRepository:
        """Rarer queries of the token endpoint in this call's transaction."""
        return TokenRepository(self.session)

    @property
    def vault(self) -> Vault:
        """The operator's keys."""
        return self.keys.vault

    @property
    def token_type(self) -> str:
        """Token type of access tokens issued by this call (RFC 6750, RFC 9449 §5)."""
        return "Bearer" if self.dpop_jkt is None else "DPoP"


_current: ContextVar[Context] = ContextVar("oauth_context")


def current() -> Context:
    """Return the context of the current call."""
    return _current.get()


@contextmanager
def entered(context: Context) -> Iterator[None]:
    """Run a function with `context`."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
