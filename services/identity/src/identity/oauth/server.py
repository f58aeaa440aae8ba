"""Authlib's authorization server on Starlette requests (RFC 6749, OpenID Connect Core)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidRequestError,
    OAuth2Payload,
    OAuth2Request,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc9207 import IssuerParameter as BaseIssuerParameter
from starlette.responses import JSONResponse, RedirectResponse, Response

from identity.clients.models import Client
from identity.oauth.authentication import client_auth
from identity.oauth.authentication.client_keys import ClientKeys
from identity.oauth.authentication.dpop import InvalidProof
from identity.oauth.authorization.untrusted import trusted_redirect
from identity.oauth.device.grant import DeviceCodeGrant
from identity.oauth.grants.authorization_code import AuthorizationCodeGrant, CodeChallenge, OpenIDCode
from identity.oauth.grants.client_credentials import ClientCredentialsGrant
from identity.oauth.grants.refresh_token import RefreshTokenGrant
from identity.oauth.grants.token_exchange import TokenExchangeGrant
from identity.oauth.state.context import current

Pairs = Sequence[tuple[str, str]]


@dataclass
class Reply:
    """What the protocol core answers. `location` can be changed by extensions (RFC 9207 adds `iss`)."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str | None:
        """Where the browser is sent, if it is."""
        return self.headers.get("Location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value

    def response(self) -> Response:
        """As a Starlette response, never cached (RFC 6749 §5.1)."""
        headers = {**self.headers, "Cache-Control": "no-store", "Pragma": "no-cache"}
        headers.pop("Content-Type", None)
        if self.location is not None:
            headers.pop("Location")
            return RedirectResponse(self.headers["Location"], 303, headers)
        return JSONResponse(self.body or {}, self.status, headers)


class Payload(OAuth2Payload):  # type: ignore[misc]
    """Parameters of a request, repeated ones included."""

    def __init__(self, pairs: Pairs) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            # RFC 6749 §3.1: a parameter without a value is treated as if it were omitted.
            if value:
                self._lists[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        """First value of each parameter."""
        return {name: values[0] for name, values in self._lists.items()}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        """All values of each parameter."""
        return self._lists


class Request(OAuth2Request):  # type: ignore[misc]
    """A request whose form has been parsed beforehand."""

    def __init__(
        self, method: str, uri: str, headers: dict[str, str], *, query: Pairs = (), form: Pairs = ()
    ) -> None:
        # Authlib looks headers up in title case.
        super().__init__(method, uri, headers={name.title(): value for name, value in headers.items()})
        self._args = Payload(query)
        self._posted = Payload(form)
        self.payload = Payload([*query, *form])

    @property
    def args(self) -> dict[str, str]:
        """Query parameters."""
        return self._args.data

    @property
    def form(self) -> dict[str, str]:
        """Body parameters."""
        return self._posted.data


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
