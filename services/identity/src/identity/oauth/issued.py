"""Reading back our own access tokens, for revocation and introspection."""

from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from identity.oauth.context import Context

WITHDRAWN = "withdrawn"
_MAX_LENGTH = 8192
_SAID = ("client_id", "jti", "sub")


def read(context: Context, value: str) -> dict[str, Any] | None:
    """The claims of an access token that we signed and that has not expired, or None."""
    if len(value) > _MAX_LENGTH or value.count(".") != 2:
        return None
    try:
        kid = jws.extract_compact(value.encode()).headers().get("kid")
        found = context.keys.published(context.session, kid) if isinstance(kid, str) else None
        if found is None:
            return None
        algorithm, key = found
        token = jwt.decode(value, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        return None
    claims = token.claims
    # An ID token is signed with the same key, but is no access token.
    if token.header.get("typ") != "at+jwt" or claims.get("iss") != context.settings.issuer_url:
        return None
    if not all(isinstance(claims.get(name), str) for name in _SAID):
        return None
    return claims if claims["exp"] > context.clock.now().timestamp() else None
