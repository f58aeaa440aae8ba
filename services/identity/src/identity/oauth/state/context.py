"""What the synchronous protocol code needs of the request it runs in.

Authlib hands its hooks no request-scoped object of ours, so it travels in a ContextVar that is set
around each call into it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from identity.audit.writer import AuditWriter
from identity.clients.cache import ClientCache
from identity.clients.models import Client
from identity.grants.models import Grant
from identity.grants.service import Grants
from identity.keys.ring import KeyRing
from identity.oauth.state.repository import OAuthRepository, Standing
from identity.oauth.state.token_repository import TokenRepository
from identity.sessions.models import BrowserSession
from identity.settings import Settings
from identity.vault import Vault
from servicekit.clock import Clock


@dataclass(frozen=True)
class Parts:
    """What every call in this process shares."""

    settings: Settings
    clock: Clock
    keys: KeyRing
    clients: ClientCache
    records: AuditWriter


@dataclass
class Context:
    """One call into the protocol core."""

    session: Session
    parts: Parts
    browser: BrowserSession | None = None
    dpop_jkt: str | None = None
    """Thumbprint of the key that the request has proved to hold (RFC 9449 §6.1)."""
    _standings: dict[UUID, Standing | None] = field(default_factory=dict)
    _locked: set[UUID] = field(default_factory=set)

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
        """An active client, as of a moment ago."""
        return self.parts.clients.get(self.session, client_id)

    def standing(self, grant: Grant) -> Standing | None:
        """The person of a grant, with account and grant locked: nothing that a token says of them changes
        before it is committed. Looked up once for each call.

        The account first: who suspends it holds it and waits for the grants.
        """
        if grant.id not in self._standings:
            if grant.account_id is not None and grant.account_id not in self._locked:
                self.rows.lock_account(grant.account_id)
            self._standings[grant.id] = self.rows.standing(grant.id, lock=True)
        return self._standings[grant.id]

    def locked(self, account_id: UUID | None) -> None:
        """Note that an account has been locked together with something else."""
        if account_id is not None:
            self._locked.add(account_id)

    def knows(self, grant: Grant, standing: Standing | None) -> None:
        """Note what has been looked up together with something else."""
        self._standings[grant.id] = standing

    @property
    def rows(self) -> OAuthRepository:
        """Queries on this call's transaction."""
        return OAuthRepository(self.session)

    @property
    def token_rows(self) -> TokenRepository:
        """The same for what the token endpoint remembers."""
        return TokenRepository(self.session)

    @property
    def grants(self) -> Grants:
        """Ending grants in this call's transaction."""
        return Grants(self.session, self.clock, self.settings.access_token_seconds)

    @property
    def vault(self) -> Vault:
        """The operator's keys."""
        return self.keys.vault

    @property
    def token_type(self) -> str:
        """How access tokens of this call are to be presented (RFC 6750, RFC 9449 §5)."""
        return "Bearer" if self.dpop_jkt is None else "DPoP"


_current: ContextVar[Context] = ContextVar("oauth_context")


def current() -> Context:
    """The context of the call that is running."""
    return _current.get()


@contextmanager
def entered(context: Context) -> Iterator[None]:
    """Run with `context`."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
