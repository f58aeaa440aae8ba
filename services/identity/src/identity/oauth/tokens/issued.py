"""Verification of this issuer's own access tokens, for revocation, introspection and exchange."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from pydantic_core import from_json

from identity.oauth.state.context import Context
from identity.oauth.state.snapshots import AnyGrant
from identity.oauth.state.subject import Subject
from identity.oauth.state.verified import Verified
from identity.oauth.tokens.access_tokens import parse_sub
from servicekit.ltree import lineage

WITHDRAWN = "withdrawn"
_MAX_LENGTH = 8192
_SAID = ("client_id", "jti", "sub")


def read(context: Context, value: str) -> dict[str, Any] | None:
    """Return the claims of an unexpired access token of this issuer, not to be changed, or None."""
    if len(value) > _MAX_LENGTH or value.count(".") != 2:
        return None
    digest = sha256(value.encode(errors="surrogatepass")).digest()
    known = context.parts.verified.get(digest)
    if known is None or context.published_key(known.kid) is None:
        known = _verify(context, value)
        if known is None:
            return None
        context.parts.verified.keep(digest, known)
    return known.claims if known.claims["exp"] > context.clock.now().timestamp() else None


def _verify(context: Context, value: str) -> Verified | None:
    """Verify all of a token that does not change."""
    try:
        token = jws.extract_compact(value.encode())
        header = token.headers()
        kid = header.get("kid")
        found = context.published_key(kid) if isinstance(kid, str) else None
        if not isinstance(kid, str) or found is None:
            return None
        algorithm, key = found
        if not jws.validate_compact(token, key, [algorithm]):
            return None
        claims = from_json(token.payload or b"")
    except (JoseError, ValueError, TypeError):
        return None
    # ID tokens are signed with the same key, but are not access tokens.
    if (
        not isinstance(claims, dict)
        or header.get("typ") != "at+jwt"
        or claims.get("iss") != context.settings.issuer_url
    ):
        return None
    return Verified(kid, claims) if all(isinstance(claims.get(name), str) for name in _SAID) else None


@dataclass(frozen=True)
class ActiveToken:
    """The person and the grant of an active access token; both None for a client's own token."""

    person: Subject | None = None
    grant: AnyGrant | None = None


def audiences(claims: dict[str, Any]) -> list[str]:
    """Return the audiences of a token."""
    return claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]


def actors(claims: dict[str, Any]) -> list[str]:
    """Return the actors (RFC 8693 §4.1), the current one first."""
    chain, act = [], claims.get("act")
    while act is not None:
        chain.append(act["sub"])
        act = act.get("act")
    return chain


def active(context: Context, claims: dict[str, Any], *, lock: bool = False) -> ActiveToken | None:
    """Return the person and grant of a token from `read` if it is active now (RFC 7662 §2.2).

    Return None if the token was revoked, its client or an acting client is disabled, or its person's account,
    session or grant has ended. `lock` keeps the grant from ending until the commit; without it, of the person
    only that is known by which the token is active.
    """
    clients = {claims["client_id"], *actors(claims)}
    if any(context.client(name) is None for name in clients):
        return None
    sub = parse_sub(claims["sub"])
    withdrawn = (WITHDRAWN, claims["jti"])
    since = datetime.fromtimestamp(claims["iat"], UTC)
    if sub is None or claims["sub"] == claims["client_id"]:
        return None if context.issuing.withdrawn(withdrawn, clients, since) else ActiveToken()
    if "grant_id" not in claims:
        return None
    if lock:
        context.issuing.lock_account(sub)
    paths = lineage(claims["unit_path"]) if "unit_path" in claims else []
    found = context.issuing.live(
        UUID(claims["grant_id"]),
        sub,
        withdrawn,
        clients,
        audiences(claims),
        paths,
        since,
        context.clock.now(),
        lock=lock,
    )
    if found is None:
        return None
    grant, subject = found
    context.remember(grant, subject)
    person = context.active_subject(grant)
    return None if person is None else ActiveToken(person, grant)
