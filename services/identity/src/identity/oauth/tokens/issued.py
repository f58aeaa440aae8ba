"""Reading back our own access tokens, for revocation, introspection and exchange."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError

from identity.grants.models import Grant
from identity.oauth.state.context import Context
from identity.oauth.state.subject import Subject
from identity.oauth.tokens.access_tokens import parse_sub

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


@dataclass(frozen=True)
class ActiveToken:
    """The person and the grant of an active access token; neither for a client's own token."""

    person: Subject | None = None
    grant: Grant | None = None


def audiences(claims: dict[str, Any]) -> list[str]:
    """Whom a token is for."""
    return claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]


def actors(claims: dict[str, Any]) -> list[str]:
    """Who acts for the subject (RFC 8693 §4.1), the present one first."""
    chain, act = [], claims.get("act")
    while act is not None:
        chain.append(act["sub"])
        act = act.get("act")
    return chain


def active(context: Context, claims: dict[str, Any], *, lock: bool = False) -> ActiveToken | None:
    """Whether a token that `read` has returned is active at this moment (RFC 7662 §2.2), and whose it is.

    None once it has been withdrawn, or its client or a client that acts in it has been disabled, or its
    person's account, session or grant has ended. `lock` keeps the grant from ending until the commit.
    """
    clients = {claims["client_id"], *actors(claims)}
    if any(context.client(name) is None for name in clients):
        return None
    sub = parse_sub(claims["sub"])
    withdrawn = (WITHDRAWN, claims["jti"])
    since = datetime.fromtimestamp(claims["iat"], UTC)
    if sub is None or claims["sub"] == claims["client_id"]:
        return None if context.token_rows.withdrawn(withdrawn, clients, since) else ActiveToken()
    if "grant_id" not in claims:
        return None
    if lock:
        context.rows.lock_account(sub)
    found = context.token_rows.live(
        UUID(claims["grant_id"]), sub, withdrawn, clients, audiences(claims), since, lock=lock
    )
    if found is None:
        return None
    grant, subject = found
    context.remember(grant, subject)
    person = context.active_subject(grant)
    return None if person is None else ActiveToken(person, grant)
