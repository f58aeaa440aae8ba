"""`id_token_hint`: an ID token of this issuer, accepted even if it has expired or its key was rotated out
(OpenID Connect Core §3.1.2.1, RP-Initiated Logout 1.0 §2), but not if its key was compromised.
"""

import json
from dataclasses import dataclass
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from identity.oauth.state.context import Context

_LONGEST = 8000


@dataclass(frozen=True)
class Hint:
    """Subject, audience and session of the ID token."""

    sub: UUID
    audience: list[str]
    sid: UUID | None


def read(context: Context, token: str) -> Hint | None:
    """Return the content of a hint, or None if this issuer did not sign it as an ID token."""
    if len(token) > _LONGEST:
        return None
    try:
        keys = KeySet.import_key_set(context.transaction.read(context.keys.known))  # type: ignore[arg-type]
        signed = jws.deserialize_compact(token, keys, algorithms=["ES256", "RS256"])
        claims = json.loads(signed.payload)
        # Access tokens and logout tokens are signed with the same keys; their `typ` differs.
        if signed.headers().get("typ") not in (None, "JWT") or not isinstance(claims, dict):
            return None
        if claims.get("iss") != context.settings.issuer_url:
            return None
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        sid = claims.get("sid")
        return Hint(UUID(claims["sub"]), [str(name) for name in audience], UUID(sid) if sid else None)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None
