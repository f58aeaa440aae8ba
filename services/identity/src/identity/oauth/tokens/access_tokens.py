"""Access tokens (RFC 9068): claims and signing."""

from typing import Any
from uuid import UUID

from identity.clients.models import Client
from identity.keys.signing import signed
from identity.oauth.state.context import Context
from identity.oauth.state.snapshots import AnyGrant
from identity.oauth.state.subject import Subject
from servicekit.ids import new_id


def audience_of(issuer: str, scope: str, resources: list[str]) -> list[str]:
    """Return the audience of a token: the requested resources (RFC 8707), and the issuer for userinfo."""
    own = [issuer] if "openid" in scope.split() else []
    return [*resources, *own]


def for_person(
    context: Context,
    client: Client,
    person: Subject,
    grant: AnyGrant,
    asked: list[str],
    narrowed: str | None = None,
    *,
    act: dict[str, Any] | None = None,
    until: int | None = None,
) -> str:
    """Return an access token of a person, acting for their unit if they belong to one.

    `asked` limits the grant's resources (RFC 8707 §2.2), `narrowed` its scope (RFC 6749 §6). `act` is the
    actor (RFC 8693 §4.1), `until` the time of expiry if it is not the default (Unix seconds).
    """
    scope = grant.scope if narrowed is None else narrowed
    audience = audience_of(context.settings.issuer_url, scope, asked or grant.resources)
    claims = {
        **_common(context, client, scope, audience),
        "sub": str(person.id),
        "grant_id": str(grant.id),
        "auth_time": grant.auth_time,
        "acr": grant.acr,
    }
    if grant.client_id != client.client_id:
        # An exchanged token is also revoked with the client that the person signed in to.
        claims["grant_client_id"] = grant.client_id
    if grant.session_id is not None:
        claims["sid"] = str(grant.session_id)
    if act is not None:
        claims["act"] = act
    if until is not None:
        claims["exp"] = until
    if person.delegated_until is not None:
        claims["exp"] = min(claims["exp"], int(person.delegated_until.timestamp()))
    if person.acting is not None:
        acting = person.acting
        claims |= {
            "unit": str(acting.unit),
            "unit_path": acting.path,
            "level": acting.level,
            "kind": acting.kind,
            "roles": acting.roles,
        }
    if person.permissions:
        claims["permissions"] = person.permissions
    if person.platform_role is not None:
        claims["platform_role"] = person.platform_role
    if person.acting_since is not None:
        # Tokens for the unit of before were issued earlier, and are refused.
        claims["iat"] = max(claims["iat"], int(person.acting_since.timestamp()))
    if person.entitlements:
        claims["entitlements"] = person.entitlements
    return _sign(context, claims)


def for_client(context: Context, client: Client, scope: str, resources: list[str]) -> str:
    """Return an access token of a client acting for itself (RFC 9068 §2.2: `sub` is the client)."""
    return _sign(context, {**_common(context, client, scope, resources), "sub": client.client_id})


def response(context: Context, access_token: str, scope: str) -> dict[str, Any]:
    """Return the token response (RFC 6749 §5.1) without the additional members of a grant."""
    return {
        "access_token": access_token,
        "token_type": context.token_type,
        "expires_in": context.settings.access_token_seconds,
        "scope": scope,
    }


def _common(context: Context, client: Client, scope: str, audience: list[str]) -> dict[str, Any]:
    now = int(context.clock.now().timestamp())
    # RFC 9449 §6.1: only the holder of the key can use the token.
    bound = {} if context.dpop_jkt is None else {"cnf": {"jkt": context.dpop_jkt}}
    return {
        **bound,
        "iss": context.settings.issuer_url,
        "aud": audience[0] if len(audience) == 1 else audience,
        "iat": now,
        "exp": now + context.settings.access_token_seconds,
        "jti": str(new_id()),
        "client_id": client.client_id,
        "scope": scope,
    }


def _sign(context: Context, claims: dict[str, Any]) -> str:
    return signed(context.signing_key(), claims, typ="at+jwt")


def parse_sub(text: str) -> UUID | None:
    """Return a person's `sub`, or None for a client's."""
    try:
        return UUID(text)
    except ValueError:
        return None
