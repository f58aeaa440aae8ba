"""The device authorization grant (RFC 8628): for wall displays and tools without a browser.

`device.endpoints` contains the verification page.
"""

from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.rfc6749 import (
    AccessDeniedError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc8628 import DeviceCodeGrant as Base
from authlib.oauth2.rfc8628.errors import AuthorizationPendingError, ExpiredTokenError, SlowDownError

from identity.clients.models import Client, secret_hash
from identity.clients.rules import DEVICE_CODE, WALL
from identity.oauth.authentication import client_auth
from identity.oauth.device import rules
from identity.oauth.device.models import DeviceCode, user_code_hash
from identity.oauth.device.repository import DeviceCodes
from identity.oauth.grants import refresh_token
from identity.oauth.state.context import Context, current
from identity.oauth.state.handles import handle, id_of
from identity.oauth.state.subject import Subject
from identity.oauth.tokens import resources
from servicekit.ids import new_id


def begin(context: Context, request: Any) -> dict[str, Any]:
    """Return the device authorization response (§3.2) for an authenticated client.

    Raises `unauthorized_client`, `invalid_scope`, `invalid_target`.
    """
    client: Client = request.client
    if not client.check_grant_type(DEVICE_CODE):
        raise UnauthorizedClientError("The client is not registered for the device flow.")
    scopes = list(dict.fromkeys((request.payload.scope or "").split()))
    if not scopes or not set(scopes) <= set(client.scopes):
        raise InvalidScopeError("Name scopes that the client is registered for.")
    if not rules.fits_a_wall(scopes):
        raise InvalidScopeError(f"{WALL} goes with openid and offline_access only.")
    wanted = resources.requested(client, request.payload.datalist.get("resource", []))
    now, row_id, user_code = context.clock.now(), new_id(), rules.new_user_code()
    device_code = handle(row_id)
    DeviceCodes(context.session).add(
        DeviceCode(
            id=row_id,
            code_hash=secret_hash(device_code),
            user_code_hash=user_code_hash(context.vault, user_code),
            client_id=client.client_id,
            scope=" ".join(scopes),
            resources=wanted,
            issued_at=now,
            expires_at=now + rules.LIFETIME,
            interval=rules.INTERVAL,
        )
    )
    shown = rules.shown(user_code)
    page = f"{context.settings.issuer_url}/device"
    return {
        "device_code": device_code,
        "user_code": shown,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'user_code': shown})}",
        "expires_in": int(rules.LIFETIME.total_seconds()),
        "interval": rules.INTERVAL,
    }


class DeviceCodeGrant(Base):  # type: ignore[misc]
    """Polling (§3.4), under a row lock. An error is a normal response here, so the changes of a poll are
    committed.
    """

    GRANT_TYPE = DEVICE_CODE
    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.ALL

    def validate_token_request(self) -> None:
        """Raise the errors of §3.5; `invalid_grant` for an unknown or used code or another client's."""
        context = current()
        client: Client = self.authenticate_token_endpoint_client()
        self.request.client = client
        if not client.check_grant_type(DEVICE_CODE):
            raise UnauthorizedClientError("The client is not registered for the device flow.")
        value = self.request.form.get("device_code")
        if value is None:
            raise InvalidRequestError("Missing 'device_code' in request.")
        row_id = id_of(value)
        row = None if row_id is None else DeviceCodes(context.session).lock(row_id)
        if row is None or row.code_hash != secret_hash(value) or row.client_id != client.client_id:
            raise InvalidGrantError("The device code is not valid.")
        person = self._decided(context, row)
        asked = self.request.payload.datalist.get("resource", [])
        if not set(asked) <= set(row.resources):
            raise resources.InvalidTargetError("The resource was not granted.")
        self.request.user = person
        self.request.credential = row
        # The ID token has the same sources as in the code flow.
        self.request.authorization_code = row

    def _decided(self, context: Context, row: DeviceCode) -> Subject:
        """Return the person who approved the device. Raises the error for the device otherwise."""
        now = context.clock.now()
        if row.used_at is not None:
            if row.grant is not None:
                context.grants.revoke(row.grant, "device code reused")
            raise InvalidGrantError("The device code has been used.")
        if row.denied_at is not None:
            raise AccessDeniedError()
        if now >= row.expires_at:
            raise ExpiredTokenError()
        if row.grant_id is None:
            raise AuthorizationPendingError() if row.poll(now) else SlowDownError()
        grant = context.token_rows.grant(row.grant_id)
        person = None if grant is None else context.active_subject(grant)
        if person is None:
            # Consent withdrawn, account suspended or session ended between approval and this poll.
            raise AccessDeniedError()
        return person

    def generate_token(self, user: Subject, scope: str, **_: Any) -> dict[str, Any]:
        """Return the token response (RFC 6749 §5.1); the code is redeemed."""
        context = current()
        row: DeviceCode = self.request.credential
        assert row.grant is not None
        row.used_at = context.clock.now()
        asked = self.request.payload.datalist.get("resource", [])
        token, renewable = refresh_token.first_tokens(
            context, self.request.client, user, row.grant, scope, asked
        )
        if renewable is not None:
            context.issuing.add(renewable)
        return token

    def save_token(self, token: dict[str, Any]) -> None:
        """Record in the audit log; access tokens are not stored."""
        context = current()
        context.audit.record(
            actor=self.request.client.client_id,
            action="oauth.token_issued",
            target=self.request.user.id,
            grant="device_code",
        )
