"""Reading back our own access tokens, for revocation and introspection."""

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from identity.oauth.context import Context

WITHDRAWN = "withdrawn"
_KEYS: dict[str, type[ECKey] | type[RSAKey]] = {"EC": ECKey, "RSA": RSAKey}
_MAX_LENGTH = 8192
_SAID = ("client_id", "jti", "sub")


def read(context: Context, value: str) -> dict[str, Any] | None:
    """The claims of an access token that we signed and that has not expired, or None."""
    if len(value) > _MAX_LENGTH or value.count(".") != 2:
        return None
    for jwk in context.keys.jwks(context.session)["keys"]:
        key_type = _KEYS.get(jwk["kty"])
        if key_type is None:
            continue
        try:
            token = jwt.decode(value, key_type.import_key(jwk), algorithms=[jwk["alg"]])
        except (JoseError, ValueError, TypeError):
            continue
        claims = token.claims
        # An ID token is signed with the same key, but is no access token.
        if token.header.get("typ") != "at+jwt" or claims.get("iss") != context.settings.issuer_url:
            return None
        if not all(isinstance(claims.get(name), str) for name in _SAID):
            return None
        return claims if claims["exp"] > context.clock.now().timestamp() else None
    return None
