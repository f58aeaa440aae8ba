"""Between the metadata of a client and its row."""

from dataclasses import MISSING, asdict, fields, replace
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


def proposal_of(client: Client, metadata: Metadata) -> dict[str, Any]:
    """Return what is stored of a proposed change.

    Fields that the registration leaves at their defaults, and the change too, are left out: a process of the
    release before, which does not know a new field, can read a proposal that does not use it.
    """
    before, values = metadata_of(client), asdict(metadata)
    for one in fields(Metadata):
        default = one.default if one.default_factory is MISSING else one.default_factory()
        if getattr(before, one.name) == getattr(metadata, one.name) == default:
            del values[one.name]
    return values


def proposed_for(client: Client) -> Metadata | None:
    """Return the change that waits for approval. A field that it lacks stays as it is; one that this release
    does not know is left out.
    """
    if client.proposed is None:
        return None
    known = {one.name for one in fields(Metadata)}
    given = {name: value for name, value in client.proposed.items() if name in known}
    return replace(metadata_of(client), **given)


def pkce_change(before: Client | None, after: Metadata) -> dict[str, bool]:
    """Return what the audit log says of PKCE: nothing, unless its requirement changes."""
    required = before is None or before.require_pkce
    return {} if required == after.require_pkce else {"require_pkce": after.require_pkce}
