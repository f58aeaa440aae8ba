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
    """The authorization server; `oauth.context` has its per-request state."""

    def query_client(self, client_id: str) -> Client | None:
        """Return a registered client."""
        return current().client(client_id)

    def __init__(self) -> None:
        super().__init__()
        self.client_keys = ClientKeys()

    def authenticate_client(self, request: Any, methods: list[str], endpoint: str = "token") -> Client:
        """Authenticate a client by its registered method."""
        client = client_auth.authenticate(request, methods, self.client_keys)
        request.client = client
        bound = client.dpop_bound_access_tokens and endpoint == "token"
        if bound and current().dpop_jkt is None:
            raise InvalidProof("This client needs a DPoP proof.")
        return client

    def get_authorization_grant(self, request: Any) -> Any:
        """Return the code flow, the only grant of the authorization endpoint.

        Authlib's own error quotes the received value and fails if it is not ASCII.
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
        """Return the grant for `grant_type`; an error does not quote the value."""
        if request.payload.grant_type is None:
            raise InvalidRequestError("Missing 'grant_type' in request.")
        try:
            return super().get_token_grant(request)
        except UnsupportedGrantTypeError:
            raise UnsupportedGrantType("The grant type is not supported.") from None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        """Do nothing: grants store their own tokens."""

    def create_oauth2_request(self, request: Request) -> Request:
        """Return the request, which is already an Authlib request."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Reply:
        """Build the response."""
        collected = dict(headers)
        challenge = collected.get("WWW-Authenticate", "")
        if challenge.startswith("Basic error"):
            # RFC 7617 §2: the realm is required.
            collected["WWW-Authenticate"] = challenge.replace("Basic ", 'Basic realm="zhuxue", ', 1)
        return Reply(status, body, collected)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing: signals are not used."""


class IssuerParameter(BaseIssuerParameter):  # type: ignore[misc]
    """RFC 9207: `iss` in every authorization response."""

    def get_issuer(self) -> str:
        """Return the issuer identifier."""
        return current().settings.issuer_url


def make_server() -> Issuer:
    """Return the server with its grants and extensions."""
    server = Issuer()
    server.register_grant(AuthorizationCodeGrant, [CodeChallenge(required=True), OpenIDCode()])
    server.register_grant(ClientCredentialsGrant)
    server.register_grant(RefreshTokenGrant, [OpenIDCode()])
    server.register_grant(TokenExchangeGrant)
    server.register_grant(DeviceCodeGrant, [OpenIDCode()])
    server.register_extension(IssuerParameter())
    return server
