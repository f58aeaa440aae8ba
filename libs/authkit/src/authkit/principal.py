"""Who is calling, as the access token says (RFC 9068 and our own claims)."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from servicekit.ltree import is_under


@dataclass(frozen=True)
class Acting:
    """The unit a person acts for, and as what."""

    unit: UUID
    path: str
    level: str
    kind: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Principal:
    """The bearer of a valid access token.

    `acting` is None for a person without an active membership and for a client acting for itself.
    """

    sub: str
    client_id: str
    scope: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    jti: str
    sid: str | None = None
    grant_id: str | None = None
    acr: str | None = None
    auth_time: datetime | None = None
    acting: Acting | None = None
    entitlements: frozenset[str] = field(default_factory=frozenset)
    jkt: str | None = None
    """Thumbprint of the key the token is bound to (RFC 9449 §6.1)."""
    actor: str | None = None
    """The client that acts on behalf of `sub`, if the token came from an exchange (RFC 8693 §4.1)."""
    earlier_clients: frozenset[str] = field(default_factory=frozenset)
    """The other clients that an exchanged token came through: the first one, and those that acted before."""

    @property
    def clients(self) -> frozenset[str]:
        """Every client without which there would be no such token."""
        return self.earlier_clients | {self.client_id}

    @property
    def is_client(self) -> bool:
        """Whether a client acts for itself (RFC 9068 §2.2: `sub` is the client then)."""
        return self.sub == self.client_id

    def reaches(self, path: str) -> bool:
        """Whether `path` is the acting unit or below it in the authority tree."""
        return self.acting is not None and is_under(path, self.acting.path)

    def has_role(self, *roles: str) -> bool:
        """Whether the person holds at least one of `roles` in the acting unit."""
        return self.acting is not None and not self.acting.roles.isdisjoint(roles)
