"""The caller, from the claims of the access token (RFC 9068 and Zhuxue's private claims)."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from servicekit.ltree import is_under


@dataclass(frozen=True)
class Acting:
    """The unit a person acts for, and the person's roles in it."""

    unit: UUID
    path: str
    level: str
    kind: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Principal:
    """The subject of a valid access token.

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
    permissions: frozenset[str] = field(default_factory=frozenset)
    """What the roles in the acting unit and the platform role allow (`contracts.vocabulary.Permission`)."""
    platform_role: str | None = None
    """The person's role as administrator of the platform (`contracts.vocabulary.PlatformRole`)."""
    jkt: str | None = None
    """Thumbprint of the key the token is bound to (RFC 9449 §6.1)."""
    actor: str | None = None
    """The client that acts on behalf of `sub`, if the token came from an exchange (RFC 8693 §4.1)."""
    earlier_clients: frozenset[str] = field(default_factory=frozenset)
    """The other clients of an exchanged token: the client of the sign-in and the earlier actors."""

    @property
    def clients(self) -> frozenset[str]:
        """Return all clients that took part in the issuance of the token."""
        return self.earlier_clients | {self.client_id}

    @property
    def is_client(self) -> bool:
        """Return whether a client acts for itself (RFC 9068 §2.2: `sub` is then the client)."""
        return self.sub == self.client_id

    def reaches(self, path: str) -> bool:
        """Return whether `path` is the acting unit or one of its descendants in the authority tree."""
        return self.acting is not None and is_under(path, self.acting.path)

    def may(self, *permissions: str) -> bool:
        """Return whether the person has at least one of `permissions`, in the acting unit or for the
        platform.
        """
        return not self.permissions.isdisjoint(permissions)
