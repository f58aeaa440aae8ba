"""Refresh token grant (RFC 6749 §6) according to RFC 9700 §4.14.

A public client's token is rotated. Its reuse revokes the whole grant, except that for a few seconds a retry
after a lost response returns the same successor. A confidential client authenticates at each refresh, so its
token is not rotated (FAPI 2.0 §5.3.2.1 advises against rotation).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as Base

from identity.audit.service import values
from identity.clients.models import Client, secret_hash
from identity.oauth.authentication import client_auth
from identity.oauth.state.context import Context, current
from identity.oauth.state.handles import handle
from identity.oauth.state.snapshots import AnyGrant, NewRefreshToken, RefreshTokenSnapshot
from identity.oauth.state.subject import Subject
from identity.oauth.tokens import access_tokens, resources
from servicekit.ids import id_at

GRACE_SECONDS = 10
_PURPOSE = "refresh-successor"


def issue(context: Context, client: Client, grant: AnyGrant) -> NewRefreshToken | None:
    """Return the first refresh token of a grant, still to be stored, or None if the client gets none.

    A client gets one if it is registered for the grant type and is first party, or has the scope
    `offline_access` (OpenID Connect Core §11). Only with this scope does the token outlive the session's
    absolute lifetime.
    """
    offline = "offline_access" in grant.scope.split()
    if not client.check_grant_type("refresh_token") or not (client.first_party or offline):
        return None
    ends = grant.expires_at
    if not offline and grant.auth_time is not None:
        lifetime = timedelta(seconds=context.settings.session_absolute_seconds)
        ends = min(ends, datetime.fromtimestamp(grant.auth_time, UTC) + lifetime)
    return NewRefreshToken(
        value=handle(id_at(ends)),
        grant_id=grant.id,
        issued_at=context.clock.now(),
        expires_at=ends,
        dpop_jkt=context.dpop_jkt if client.token_endpoint_auth_method == "none" else None,
    )


def first_tokens(
    context: Context, client: Client, person: Subject, grant: AnyGrant, scope: str, asked: list[str]
) -> tuple[dict[str, Any], NewRefreshToken | None]:
    """Return the token response that starts a grant, and its refresh token, still to be stored, if the client
    gets one.
    """
    access_token = access_tokens.for_person(context, client, person, grant, asked)
    token = access_tokens.response(context, access_token, scope)
    renewable = issue(context, client, grant)
    return (token if renewable is None else {**token, "refresh_token": renewable.value}), renewable


class RefreshTokenGrant(Base):  # type: ignore[misc]
    """One refresh at a time for each grant, under a row lock."""

    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.ALL

    def validate_token_request(self) -> None:
        """Check the client first, then token, scope and resource; the token is used only if all are valid."""
        context = current()
        client: Client = self.authenticate_token_endpoint_client()
        self.request.client = client
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("The client is not registered for 'refresh_token'.")
        value = self.request.form.get("refresh_token")
        if value is None:
            raise InvalidRequestError("Missing 'refresh_token' in request.")
        found = context.issuing.refresh_token(value, client.client_id, context.clock.now())
        if found is None or found[0].revoked_at is not None:
            raise InvalidGrantError("The refresh token is not valid.")
        row, person = found
        context.remember(row.grant, person)
        if context.clock.now() >= row.expires_at:
            raise InvalidGrantError("The refresh token has expired.")
        if row.dpop_jkt is not None and row.dpop_jkt != context.dpop_jkt:
            raise InvalidGrantError("The refresh token is bound to another key.")
        self._refuse_reuse(context, row)
        asked = (self.request.payload.scope or "").split()
        if not set(asked) <= set(row.get_scope().split()):
            raise InvalidScopeError("The scope exceeds what was granted.")
        targets = self.request.payload.datalist.get("resource", [])
        if not set(targets) <= set(row.grant.resources):
            raise resources.InvalidTargetError("The resource was not granted.")
        self.request.refresh_token = row
        # The ID token has the same sources as in the code flow.
        self.request.authorization_code = row

    def _refuse_reuse(self, context: Context, row: RefreshTokenSnapshot) -> None:
        if row.used_at is None:
            return
        if row.retried(context.clock.now(), GRACE_SECONDS):
            successor = context.issuing.successor(row.successor_id)
            # A client that has used the successor received the response, so this is not a retry.
            if successor is not None and successor.used_at is None:
                return
        context.grants.revoke(row.grant, "refresh token reused")
        raise InvalidGrantError("The refresh token has been used before.")

    def authenticate_user(self, refresh_token: RefreshTokenSnapshot) -> Subject:
        """Return the person while grant, account and session are active."""
        person = current().active_subject(refresh_token.grant)
        if person is None:
            raise InvalidGrantError("The authorization has ended.")
        return person

    def issue_token(self, user: Subject, refresh_token: RefreshTokenSnapshot) -> dict[str, Any]:
        """Return the token response (RFC 6749 §5.1), with a new refresh token for clients with rotation."""
        context = current()
        client: Client = self.request.client
        grant = refresh_token.grant
        scope = " ".join(dict.fromkeys((self.request.payload.scope or grant.scope).split()))
        asked = self.request.payload.datalist.get("resource", [])
        access_token = access_tokens.for_person(context, client, user, grant, asked, scope)
        token = access_tokens.response(context, access_token, scope)
        if client.token_endpoint_auth_method == "none":
            token["refresh_token"] = self._rotate(context, user, refresh_token)
        return token

    def _rotate(self, context: Context, user: Subject, row: RefreshTokenSnapshot) -> str:
        # Derived with a key outside the database: a retry returns the same successor without storing it, and
        # neither a stolen table nor the old token alone is sufficient to derive it.
        old = self.request.form["refresh_token"]
        if row.used_at is not None:
            return self._again(context, row, old)
        new = NewRefreshToken(
            value=handle(id_at(row.expires_at), context.vault.index(_PURPOSE, old)),
            grant_id=row.grant.id,
            issued_at=context.clock.now(),
            expires_at=row.expires_at,
            dpop_jkt=context.dpop_jkt,
        )
        context.issuing.rotate(row.id, new, values(context.clock, **self._issued(user)))
        return new.value

    def _again(self, context: Context, row: RefreshTokenSnapshot, old: str) -> str:
        """Return the successor that was issued for a token; perhaps it was derived with another index key."""
        successor = context.issuing.successor(row.successor_id)
        assert successor is not None
        found = [handle(successor.id, secret) for secret in context.vault.indexes(_PURPOSE, old)]
        return next((value for value in found if secret_hash(value) == successor.token_hash), found[0])

    def _issued(self, user: Subject) -> dict[str, Any]:
        return {
            "actor": self.request.client.client_id,
            "action": "oauth.token_issued",
            "target": user.id,
            "grant": "refresh_token",
        }

    def save_token(self, token: dict[str, Any]) -> None:
        """Record in the audit log, unless the rotation wrote the record."""
        context = current()
        if self.request.refresh_token.used_at is not None or "refresh_token" not in token:
            # Nothing else is written: it is written with the records of other requests.
            context.record = self._issued(self.request.user)

    def revoke_old_credential(self, refresh_token: RefreshTokenSnapshot) -> None:
        """Do nothing: the rotation marked the token as used."""
