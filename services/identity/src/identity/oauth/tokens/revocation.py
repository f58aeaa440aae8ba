"""Token revocation (RFC 7009): a client revokes a token and its grant."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError

from identity.clients.models import Client
from identity.oauth.state.context import Context
from identity.oauth.tokens import issued


def revoke(context: Context, client: Client, form: dict[str, str]) -> None:
    """Revoke the token of the form. An invalid token is not an error (§2.2).

    A refresh token or a person's access token revokes its grant. A client's own access token has no grant,
    and an exchanged one belongs to the grant of another client: only its `jti` is recorded, so that
    introspection rejects it; resource servers that validate offline accept it until it expires, at most
    `access_token_seconds` later. `token_type_hint` is optional and ignored.

    Raises `invalid_request`, and `invalid_grant` for a token that was issued to another client (§2.1).
    """
    value = form.get("token")
    if value is None:
        raise InvalidRequestError("Missing 'token' in request.")
    row = context.issuing.revocable(value)
    if row is not None:
        if row.grant.client_id != client.client_id:
            raise _not_yours()
        context.issuing.revoke(row, context.clock.now())
        context.grants.revoke(row.grant, "revoked by the client")
        return
    claims = issued.read(context, value)
    if claims is None:
        return
    if claims["client_id"] != client.client_id:
        raise _not_yours()
    grant_id: Any = claims.get("grant_id")
    if grant_id is not None and "act" not in claims:
        grant = context.issuing.grant(UUID(grant_id))
        if grant is not None:
            context.grants.revoke(grant, "revoked by the client")
        return
    until = datetime.fromtimestamp(claims["exp"], UTC)
    if context.issuing.once(issued.WITHDRAWN, claims["jti"], expires_at=until):
        context.audit.record(
            actor=client.client_id,
            action="oauth.token_revoked",
            target=client.client_id,
            jti=claims["jti"],
        )


def _not_yours() -> InvalidGrantError:
    return InvalidGrantError("The token was issued to another client.")
