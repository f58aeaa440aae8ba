"""Token introspection (RFC 7662): returns whether a token is active, to its audience and its client."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError

from contracts.vocabulary import Audience
from identity.clients.models import Client
from identity.oauth.state.context import Context
from identity.oauth.tokens import issued

INACTIVE: dict[str, Any] = {"active": False}


def own_audience(client: Client) -> str:
    """Return the audience of a resource server by its client: `office` is `urn:zhuxue:office`."""
    return Audience.name_of(client.client_id)


def introspect(context: Context, client: Client, form: dict[str, str]) -> dict[str, Any]:
    """Return the claims of an active token if the caller is in its audience or is the client it was issued
    to.

    Otherwise return `{"active": false}` without a reason (§2.2). Raises `invalid_request` without `token`.
    """
    value = form.get("token")
    if value is None:
        raise InvalidRequestError("Missing 'token' in request.")
    claims = issued.read(context, value)
    if claims is None:
        return _refresh_token(context, client, value)
    if own_audience(client) not in issued.audiences(claims) and claims["client_id"] != client.client_id:
        return INACTIVE
    if issued.active(context, claims) is None:
        return INACTIVE
    token_type = "DPoP" if "cnf" in claims else "Bearer"
    return {"active": True, "token_type": token_type, **claims}


def _refresh_token(context: Context, client: Client, value: str) -> dict[str, Any]:
    row = context.token_rows.refresh_token(value)
    if row is None or not row.check_client(client):
        return INACTIVE
    if row.used_at is not None or row.revoked_at is not None or row.expires_at <= context.clock.now():
        return INACTIVE
    found = context.issuing.subject(row.grant_id, context.clock.now(), lock=False)
    if found is None:
        return INACTIVE
    context.remember(*found)
    if context.active_subject(found[0]) is None:
        return INACTIVE
    return {
        "active": True,
        "iss": context.settings.issuer_url,
        "client_id": client.client_id,
        "sub": str(row.grant.account_id),
        "scope": row.grant.scope,
        "iat": int(row.issued_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
    }
