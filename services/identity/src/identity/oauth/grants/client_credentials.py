"""Client credentials grant (RFC 6749 §4.4): a service acting for itself."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant as Base

from identity.oauth.authentication import client_auth
from identity.oauth.state.context import current
from identity.oauth.tokens import access_tokens, resources


class ClientCredentialsGrant(Base):  # type: ignore[misc]
    """For confidential clients only. Unregistered scopes are rejected, not silently dropped."""

    TOKEN_ENDPOINT_AUTH_METHODS = client_auth.CONFIDENTIAL

    def validate_requested_scope(self) -> None:
        """Raise `invalid_scope` for a scope that the client is not registered for."""
        asked = (self.request.payload.scope or "").split()
        if not set(asked) <= set(self.request.client.scopes) - _OF_PEOPLE:
            raise InvalidScopeError()

    def generate_token(self, scope: str | None = None, **_: Any) -> dict[str, Any]:
        """Return the token response (RFC 6749 §4.4.3)."""
        context = current()
        wanted = resources.requested(self.request.client, self.request.payload.datalist.get("resource", []))
        granted = scope or ""
        audiences = wanted or self.request.client.audiences
        access_token = access_tokens.for_client(context, self.request.client, granted, audiences)
        return access_tokens.response(context, access_token, granted)

    def save_token(self, token: dict[str, Any]) -> None:
        """Store nothing; `ClientCalls.token` writes the audit record before it responds."""
        client_id = self.request.client.client_id
        current().record = {
            "actor": client_id,
            "action": "oauth.token_issued",
            "target": client_id,
            "grant": "client_credentials",
        }


_OF_PEOPLE = {"openid", "profile", "phone"}
