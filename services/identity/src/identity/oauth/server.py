"""Authlib's authorization server on Starlette requests (RFC 6749, OpenID Connect Core)."""

from typing import Any

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc9207 import IssuerParameter as BaseIssuerParameter

from identity.clients.models import Client
from identity.oauth.authentication import client_auth
from identity.oauth.authentication.client_keys import ClientKeys
from identity.oauth.authentication.dpop import InvalidProof
from identity.oauth.authorization.untrusted import trusted_redirect
from identity.oauth.device.grant import DeviceCodeGrant
from identity.oauth.grants.authorization_code import AuthorizationCodeGrant, CodeChallenge
from identity.oauth.grants.client_credentials import ClientCredentialsGrant
from identity.oauth.grants.refresh_token import RefreshTokenGrant
from identity.oauth.grants.token_exchange import TokenExchangeGrant
from identity.oauth.state.context import current
from identity.oauth.state.messages import Reply, Request
from identity.oauth.tokens.id_token import OpenIDCode


class UnsupportedResponseType(OAuth2Error):  # type: ignore[misc]
    """RFC 6749 §4.1.2.1."""

    error = "unsupported_response_type"


class UnsupportedGrantType(OAuth2Error):  # type: ignore[misc]
    """RFC 6749 §5.2."""

    error = "unsupported_grant_type"


class Issuer(AuthorizationServer):  # type: ignore[misc]
    """The authorization server; its per-request state is in `oauth.context`."""

    def query_client(self, client_id: str) -> Client | None:
        """A registered client."""
        return current().client(client_id)

    def __init__(self) -> None:
        super().__init__()
        self.client_keys = ClientKeys()

    def authenticate_client(self, request: Any, methods: list[str], endpoint: str = "token") -> Client:
        """By the one method the client is registered for."""
        client = client_auth.authenticate(request, methods, self.client_keys)
        request.client = client
        bound = client.dpop_bound_access_tokens and endpoint == "token"
        if bound and current().dpop_jkt is None:
            raise InvalidProof("This client needs a DPoP proof.")
        return client

    def get_authorization_grant(self, request: Any) -> Any:
        """The code flow, the only one.

        Authlib's own refusal quotes what was sent, in words that must be ASCII, and fails over the rest.
        """
        if request.payload.response_type is None:
            raise InvalidRequestError(
                "Missing 'response_type' in request.", redirect_uri=trusted_redirect(request.payload.datalist)
            )
        if request.payload.response_type not in AuthorizationCodeGrant.RESPONSE_TYPES:
            raise UnsupportedResponseType(
                "Only 'code' is supported.", redirect_uri=trusted_redirect(request.payload.datalist)
            )
        return super().get_authorization_grant(request)

    def get_token_grant(self, request: Any) -> Any:
        """By `grant_type`, refused without quoting it."""
        if request.payload.grant_type is None:
            raise InvalidRequestError("Missing 'grant_type' in request.")
        try:
            return super().get_token_grant(request)
        except UnsupportedGrantTypeError:
            raise UnsupportedGrantType("The grant type is not supported.") from None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        """Grants do what there is to do."""

    def create_oauth2_request(self, request: Request) -> Request:
        """Requests come ready made."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Reply:
        """Collect the answer."""
        collected = dict(headers)
        challenge = collected.get("WWW-Authenticate", "")
        if challenge.startswith("Basic error"):
            # RFC 7617 §2: the realm is required.
            collected["WWW-Authenticate"] = challenge.replace("Basic ", 'Basic realm="zhuxue", ', 1)
        return Reply(status, body, collected)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """No signals."""


class IssuerParameter(BaseIssuerParameter):  # type: ignore[misc]
    """RFC 9207: `iss` in every authorization response."""

    def get_issuer(self) -> str:
        """Our issuer identifier."""
        return current().settings.issuer_url


def make_server() -> Issuer:
    """The server with its grants and extensions."""
    server = Issuer()
    server.register_grant(AuthorizationCodeGrant, [CodeChallenge(required=True), OpenIDCode()])
    server.register_grant(ClientCredentialsGrant)
    server.register_grant(RefreshTokenGrant, [OpenIDCode()])
    server.register_grant(TokenExchangeGrant)
    server.register_grant(DeviceCodeGrant, [OpenIDCode()])
    server.register_extension(IssuerParameter())
    return server
