"""Authorization code grant (RFC 6749 §4.1) with PKCE S256 (RFC 7636, RFC 9700 §2.1.1)."""

from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant as Base
from authlib.oauth2.rfc7636 import CodeChallenge as BaseChallenge

from identity.audit.service import values
from identity.clients.models import Client, secret_hash
from identity.grants.models import Grant
from identity.oauth.authentication import client_auth
from identity.oauth.authorization.acr import level_of
from identity.oauth.authorization.untrusted import trusted_redirect
from identity.oauth.grants import refresh_token
from identity.oauth.state.context import current
from identity.oauth.state.handles import handle, id_of
from identity.oauth.state.models import AuthorizationCode
from identity.oauth.state.snapshots import CodeSnapshot
from identity.oauth.state.subject import Subject
from identity.oauth.tokens import claims, resources
from servicekit.ids import id_at, new_id


class AuthorizationCodeGrant(Base):  # type: ignore[misc]
    """Codes expire after one minute, are stored as hashes, and are redeemed once under a row lock."""

    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.ALL

    def generate_authorization_code(self) -> str:
        """Generate a code that contains the id of its row."""
        return handle(new_id())

    @staticmethod
    def validate_no_multiple_request_parameter(request: Any) -> None:
        """Reject repeated parameters, except `resource` (RFC 6749 §3.1, RFC 8707 §2)."""
        if any(len(values) > 1 for name, values in request.payload.datalist.items() if name != "resource"):
            raise InvalidRequestError(
                "Parameters must not be included more than once.",
                redirect_uri=trusted_redirect(request.payload.datalist),
            )

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: Client) -> str:
        """Require a registered redirect URI. The error does not quote it, because error descriptions must be
        ASCII.
        """
        uri: str | None = request.payload.redirect_uri
        if uri is None or not client.check_redirect_uri(uri):
            raise InvalidRequestError("The 'redirect_uri' is missing or not registered for the client.")
        return uri

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Store the code with the data for its tokens."""
        context = current()
        browser = context.browser
        assert browser is not None
        now = context.clock.now()
        data = request.payload.data
        expires_at = now + timedelta(seconds=context.settings.session_absolute_seconds)
        wanted = claims.parse(data.get("claims"))
        level = level_of(data, wanted.get("id_token", {}).get("acr"), request.client.default_acr_values)
        grant = Grant(
            id=id_at(expires_at),
            client_id=request.client.client_id,
            account_id=request.user.id,
            session_id=browser.id,
            scope=request.scope,
            resources=resources.requested(request.client, request.payload.datalist.get("resource", [])),
            auth_time=int(browser.authenticated_at.timestamp()),
            acr=level.named(browser.acr),
            amr=browser.amr,
            dpop_jkt=data.get("dpop_jkt"),
            claims=claims.allowed(wanted, request.client) or None,
            created_at=now,
            expires_at=expires_at,
            generation=request.client.grant_generation,
        )
        stored = AuthorizationCode(
            id=id_of(code),
            code_hash=secret_hash(code),
            grant_id=grant.id,
            redirect_uri=request.payload.redirect_uri,
            nonce=data.get("nonce"),
            code_challenge=data.get("code_challenge") or None,
            issued_at=now,
        )
        context.browsing.add_code(stored, grant)

    def query_authorization_code(self, code: str, client: Client) -> CodeSnapshot | None:
        """Return the code if it was issued to this client, is unexpired and unused.

        Reuse revokes the grant of the code (RFC 6749 §4.1.2, RFC 9700 §4.5).
        """
        context = current()
        found = context.issuing.code(code, client.client_id, context.clock.now())
        if found is None:
            return None
        row, person = found
        context.remember(row.grant, person)
        if row.used_at is not None:
            context.grants.revoke(row.grant, "authorization code reused")
            return None
        if row.expired(context.clock.now(), context.settings.code_seconds):
            return None
        if row.grant.dpop_jkt is not None and row.grant.dpop_jkt != context.dpop_jkt:
            # RFC 9449 §10: only the holder of the key can redeem the code.
            raise InvalidGrantError("The code is bound to another key.")
        return row

    def authenticate_user(self, authorization_code: CodeSnapshot) -> Subject | None:
        """Return the person if the account is still active and the session has not ended."""
        context = current()
        return context.active_subject(authorization_code.grant)

    def generate_token(self, user: Subject, scope: str, **_: Any) -> dict[str, Any]:
        """Return the token response (RFC 6749 §5.1)."""
        context = current()
        code: CodeSnapshot = self.request.authorization_code
        asked = self.request.payload.datalist.get("resource", [])
        # RFC 8707 §2.2: the client can request a subset of the granted resources, but no others.
        if not set(asked) <= set(code.grant.resources):
            raise resources.InvalidTargetError("The resource was not granted.")
        client = self.request.client
        token, self._renewable = refresh_token.first_tokens(context, client, user, code.grant, scope, asked)
        return token

    def save_token(self, token: dict[str, Any]) -> None:
        """Do nothing: access tokens are self-contained, and the rest is stored with the used code."""

    def delete_authorization_code(self, authorization_code: CodeSnapshot) -> None:
        """Mark the code as used, with the refresh token and the audit record; the row is kept to detect
        reuse.
        """
        context = current()
        record = values(
            context.clock,
            actor=self.request.client.client_id,
            action="oauth.token_issued",
            target=self.request.user.id,
            grant="authorization_code",
        )
        context.issuing.redeem(authorization_code.id, context.clock.now(), self._renewable, record)


class CodeChallenge(BaseChallenge):  # type: ignore[misc]
    """PKCE, S256 only. Required, except of confidential clients that the centre freed from it; these send a
    nonce with `openid` instead, which binds the code to the transaction too (RFC 9700 §2.1.1).
    """

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Also reject a request without a challenge or with the default method `plain`."""
        request = grant.request
        data = request.payload.data
        if request.client.require_pkce or data.get("code_challenge") or data.get("code_challenge_method"):
            if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
                raise InvalidRequestError("PKCE with 'code_challenge_method=S256' is required.")
        elif not data.get("nonce") or "openid" not in request.client.get_allowed_scope(request.scope).split():
            raise InvalidRequestError("Without PKCE a 'nonce' is required, with the scope 'openid'.")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        """Also reject a code without challenge, from before PKCE was required of the client."""
        request = grant.request
        if request.authorization_code.code_challenge is None and request.client.require_pkce:
            raise InvalidGrantError("The code was issued without PKCE, which is required.")
        super().validate_code_verifier(grant, result)
