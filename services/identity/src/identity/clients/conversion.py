"""Between the metadata of a client and its row."""

from dataclasses import asdict, fields
from typing import Any

from identity.clients import rules
from identity.clients.models import Client
from identity.clients.rules import Metadata


def uses_secrets(client: Client) -> bool:
    """Return whether the client authenticates with a secret."""
    return client.token_endpoint_auth_method in rules.SECRET_METHODS


def columns(metadata: Metadata) -> dict[str, Any]:
    """Return the values of the row."""
    values = asdict(metadata)
    # Derived from grant_types.
    del values["response_types"]
    return values


def metadata_of(client: Client) -> Metadata:
    """Return the metadata of a client as it is registered."""
    names = [one.name for one in fields(Metadata) if one.name != "response_types"]
    types = ["code"] if "authorization_code" in client.grant_types else []
    return Metadata(**{name: getattr(client, name) for name in names}, response_types=types)


def pkce_change(before: Client | None, after: Metadata) -> dict[str, bool]:
    """Return what the audit log says of PKCE: nothing, unless its requirement changes."""
    required = before is None or before.require_pkce
    return {} if required == after.require_pkce else {"require_pkce": after.require_pkce}
