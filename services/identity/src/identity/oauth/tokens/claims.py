"""The `claims` request parameter (OpenID Connect Core §5.5)."""

import json
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError

from identity.accounts.models import Account
from identity.accounts.service import PHONE
from identity.clients.models import Client
from identity.oauth.state.context import Context

# Scope of each claim: a client gets a claim only if it is registered for its scope.
SCOPE_OF = {"name": "profile", "phone_number": "phone", "phone_number_verified": "phone"}


def parse(text: str | None) -> dict[str, dict[str, Any]]:
    """Return the `userinfo` and `id_token` members, each claim with its request object. Raises
    `InvalidRequestError`.
    """
    if text is None:
        return {}
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("Invalid 'claims' parameter: not JSON.") from error
    if not isinstance(whole, dict):
        raise InvalidRequestError("Invalid 'claims' parameter: not an object.")
    parsed: dict[str, dict[str, Any]] = {}
    for member in ("userinfo", "id_token"):
        wanted = {} if whole.get(member) is None else whole[member]
        if not isinstance(wanted, dict) or not all(v is None or isinstance(v, dict) for v in wanted.values()):
            raise InvalidRequestError("Invalid 'claims' parameter: members must be objects.")
        parsed[member] = {name: value or {} for name, value in wanted.items()}
    return parsed


def values_of(request: dict[str, Any]) -> list[str]:
    """Return the values that `value` or `values` of a claim's request object allow."""
    several = request.get("values")
    listed = several if isinstance(several, list) else []
    return [str(value) for value in ([request["value"]] if "value" in request else listed)]


def allowed(parsed: dict[str, dict[str, Any]], client: Client) -> dict[str, list[str]]:
    """Return the names of the claims about the person that the client may get, by their location."""
    return {
        member: sorted(name for name in wanted if SCOPE_OF.get(name) in client.scopes)
        for member, wanted in parsed.items()
    }


def scopes(names: dict[str, list[str]]) -> set[str]:
    """Return the scopes whose consent covers these claims."""
    return {SCOPE_OF[name] for listed in names.values() for name in listed}


def about(context: Context, client_id: str, account: Account, names: list[str]) -> dict[str, Any]:
    """Return the claims about a person. A number that went to another person is not theirs any more."""
    known: dict[str, Any] = {}
    lost = account.phone_lost_at is not None
    if "name" in names:
        known["name"] = account.name
    if "phone_number" in names and not lost:
        known["phone_number"] = "+86" + context.keys.vault.open(PHONE, account.phone_sealed)
        context.audit.record(actor=client_id, action="account.disclosed", target=account.id, fields=["phone"])
    if "phone_number_verified" in names:
        known["phone_number_verified"] = not lost
    return known
