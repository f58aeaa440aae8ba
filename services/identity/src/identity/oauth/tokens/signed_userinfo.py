"""Userinfo as a signed JWT for clients registered for it (OpenID Connect Core §5.3.2)."""

from typing import Any

from identity.keys.signing import signed
from identity.oauth.state.context import Context


def sign(context: Context, client_id: str, claims: dict[str, Any]) -> str | None:
    """Return the JWT, or None for a client that uses plain JSON."""
    client = context.client(client_id)
    alg = None if client is None else client.userinfo_signed_response_alg
    if alg is None:
        return None
    said = {**claims, "iss": context.settings.issuer_url, "aud": client_id}
    return signed(context.signing_key(alg), said)
