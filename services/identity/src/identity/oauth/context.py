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
from identity.oauth.keys import KeyRing
from identity.oauth.known_clients import KnownClients
from identity.oauth.models import Client
from identity.oauth.repository import OAuthRepository, Standing
from identity.oauth.stored.repository import TokenRepository
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
    clients: KnownClients
    records: AuditWriter


@dataclass
class Context:
    """One call into the protocol core."""

    session: Session
    parts: Parts
    browser: BrowserSession | None = None
    dpop_jkt: str | None = None
    """Thumbprint of the key that the request has proved to hold (RFC 9449 §6.1)."""
    _standings: dict[tuple[UUID, UUID | None], Standing | None] = field(default_factory=dict)

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

    def standing(self, sub: UUID, sid: UUID | None) -> Standing | None:
        """What is known of a person, looked up once for each call."""
        if (sub, sid) not in self._standings:
            self._standings[sub, sid] = self.rows.standing(sub, sid)
        return self._standings[sub, sid]

    def knows(self, standing: Standing, sid: UUID | None) -> None:
        """Note what has been looked up together with something else."""
        self._standings[standing.id, sid] = standing

    @property
    def rows(self) -> OAuthRepository:
        """Queries on this call's transaction."""
        return OAuthRepository(self.session)

    @property
    def token_rows(self) -> TokenRepository:
        """The same for what the token endpoint remembers."""
        return TokenRepository(self.session)

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
