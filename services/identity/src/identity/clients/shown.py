"""What others see of a client: its name and owner, where people open it, the identifiers of its secrets."""

from dataclasses import dataclass

from authlib.common.urls import add_params_to_uri

from identity.clients.models import ClientSecret


@dataclass(frozen=True)
class SystemName:
    """What people call a client."""

    name: str
    owner: str
    """The name of the unit that owns it; empty for the services of this system."""


@dataclass(frozen=True)
class Opened:
    """A system that people open from the pages of this one."""

    client_id: str
    name: str
    owner: str
    """The name of the unit that owns it."""
    url: str


def begun_at(initiate_login_uri: str, issuer: str) -> str:
    """Return the address at which a client begins a sign-in at this issuer (OpenID Connect Core §4)."""
    return str(add_params_to_uri(initiate_login_uri, [("iss", issuer)]))


def secret_id(row: ClientSecret) -> str:
    """Return the identifier of a secret in the API: a part of its hash."""
    return row.secret_hash[:8].hex()
