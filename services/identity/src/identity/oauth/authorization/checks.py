"""Checks of an authorization request, as one list.

`/authorize` and `/par` run the same checks in the same order (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.2,
RFC 9126 §2.1). After `check_code_flow` the redirect URI is verified, and errors are returned to it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError
from authlib.oidc.core.errors import LoginRequiredError

from identity.clients.models import Client
from identity.clients.rules import WALL
from identity.oauth.authorization.acr import Level, level_of
from identity.oauth.state.context import Context
from identity.oauth.state.messages import Request
from identity.oauth.tokens import claims, id_token_hint, resources

PROMPT_VALUES = frozenset({"none", "login", "consent", "select_account"})
RESPONSE_MODES = ("query", "form_post")


class AuthorizationServer(Protocol):
    """Methods of Authlib's server that the authorization endpoint uses."""

    def get_authorization_grant(self, request: Any) -> Any:
        """Return the grant for the request's `response_type`."""

    def create_authorization_response(self, request: Any, grant_user: Any, grant: Any) -> Any:
        """Return the response with the code."""

    def handle_error_response(self, request: Any, error: Any) -> Any:
        """Return the response with the error."""


@dataclass
class AuthorizationRequest:
    """A request during the checks; each check adds its results."""

    context: Context
    server: AuthorizationServer
    message: Request
    grant: Any = None
    """Authlib's grant, which creates the response."""
    trusted: bool = False
    """The redirect URI is verified, so errors can be returned to it (RFC 6749 §4.1.2.1)."""
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=set)
    """Scopes that require consent, including those of individually requested claims."""
    resources: list[str] = field(default_factory=list)
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None
    level: Level = field(default_factory=Level)
    sub: UUID | None = None
    """The person that the client expects."""

    @property
    def client(self) -> Client:
        """The client; available after its check."""
        client: Client = self.message.client
        return client

    @property
    def data(self) -> dict[str, str]:
        """First value of each parameter."""
        return self.message.payload.data

    @property
    def values(self) -> dict[str, list[str]]:
        """All values of each parameter."""
        return self.message.payload.datalist

    @property
    def redirect_uri(self) -> str:
        """The redirect URI for the response."""
        return self.data.get("redirect_uri", "")

    @property
    def silent(self) -> bool:
        """Whether no page may be shown (`prompt=none`)."""
        return "none" in self.prompts


Check = Callable[[AuthorizationRequest], None]


def check_response_type(request: AuthorizationRequest) -> None:
    """Allow only `code` (RFC 6749 §3.1.1)."""
    request.grant = request.server.get_authorization_grant(request.message)


def check_repeated_parameters(request: AuthorizationRequest) -> None:
    """Reject repeated parameters, except `resource` (RFC 6749 §3.1, RFC 8707 §2)."""
    request.grant.validate_no_multiple_request_parameter(request.message)


def check_code_flow(request: AuthorizationRequest) -> None:
    """Check client, redirect URI, scope and PKCE with Authlib (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
    request.grant.validate_consent_request()
    request.trusted = True


def check_scope(request: AuthorizationRequest) -> None:
    """Refuse the scope of wall displays, which somebody allows in the device flow (RFC 8628)."""
    if WALL in (request.message.scope or "").split():
        raise InvalidScopeError(f"{WALL} is for the device flow.")


def check_resource(request: AuthorizationRequest) -> None:
    """Allow only audiences that the client may request (RFC 8707 §2)."""
    request.resources = resources.requested(request.client, request.values.get("resource", []))


def check_response_mode(request: AuthorizationRequest) -> None:
    """Allow query or form (OAuth 2.0 Form Post Response Mode)."""
    if request.data.get("response_mode", "query") not in RESPONSE_MODES:
        raise InvalidRequestError("Invalid 'response_mode'.")


def check_prompt(request: AuthorizationRequest) -> None:
    """Allow known values, and `none` only alone (OpenID Connect Core §3.1.2.1)."""
    request.prompts = frozenset(request.data.get("prompt", "").split())
    if not request.prompts <= PROMPT_VALUES or ("none" in request.prompts and len(request.prompts) > 1):
        raise InvalidRequestError("Invalid 'prompt' parameter.")


def check_claims(request: AuthorizationRequest) -> None:
    """Require a JSON object (OpenID Connect Core §5.5); claims need consent like their scopes."""
    request.claims = claims.parse(request.data.get("claims"))
    by_claims = claims.scopes(claims.allowed(request.claims, request.client))
    request.scopes = set((request.message.scope or "").split()) | by_claims


def check_max_age(request: AuthorizationRequest) -> None:
    """Require whole seconds; default to the client's `default_max_age` (OpenID Connect Core §3.1.2.1)."""
    text = request.data.get("max_age")
    if text is None:
        request.max_age = request.client.default_max_age
        return
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequestError("Invalid 'max_age' parameter.")
    request.max_age = int(text)


def check_id_token_hint(request: AuthorizationRequest) -> None:
    """Read the expected person from `id_token_hint`, else from a requested `sub` (OpenID Connect Core
    §5.5.1).
    """
    token = request.data.get("id_token_hint")
    if token is not None:
        hint = id_token_hint.read(request.context, token)
        if hint is None:
            raise InvalidRequestError("Invalid 'id_token_hint'.")
        request.sub = hint.sub
        return
    values = claims.values_of(request.claims.get("id_token", {}).get("sub", {}))
    try:
        request.sub = UUID(values[0]) if values else None
    except ValueError as error:
        raise LoginRequiredError("Unknown 'sub'.") from error


def check_acr(request: AuthorizationRequest) -> None:
    """Read the requested level of authentication; the prompts decide whether it can be reached."""
    claim = request.claims.get("id_token", {}).get("acr")
    request.level = level_of(request.data, claim, request.client.default_acr_values)


CHECKS: tuple[Check, ...] = (
    check_response_type,
    check_repeated_parameters,
    check_code_flow,
    check_scope,
    check_resource,
    check_response_mode,
    check_prompt,
    check_claims,
    check_max_age,
    check_id_token_hint,
    check_acr,
)


def check(context: Context, server: AuthorizationServer, message: Request) -> AuthorizationRequest:
    """Run the checks. Raises `OAuth2Error`, with the redirect URI once it is verified."""
    request = AuthorizationRequest(context, server, message)
    for each in CHECKS:
        try:
            each(request)
        except OAuth2Error as error:
            if request.trusted:
                error.redirect_uri = request.redirect_uri
            error.state = message.payload.state
            raise
    return request
