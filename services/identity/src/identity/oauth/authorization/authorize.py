"""What an authorization request asks of the person (OpenID Connect Core §3.1.2.1), and what comes next."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError
from authlib.oidc.core.errors import (
    ConsentRequiredError,
    LoginRequiredError,
    RequestNotSupportedError,
    RequestURINotSupportedError,
)

from identity.accounts.models import Account
from identity.consents.service import Consents
from identity.oauth.authorization.acr import Level, level_of
from identity.oauth.authorization.interaction import Marker
from identity.oauth.state.context import Context
from identity.oauth.tokens import claims, id_token_hint

PROMPTS = {"none", "login", "consent", "select_account"}
RESPONSE_MODES = ("query", "form_post")
_PUSHED = "urn:ietf:params:oauth:request_uri:"


class UnmetAuthenticationRequirementsError(OAuth2Error):  # type: ignore[misc]
    """OpenID Connect Core Unmet Authentication Requirements 1.0 §2, RFC 9470 §5."""

    error = "unmet_authentication_requirements"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something the person has to do; `redirect_uri` is where the answer will go, for the page's policy."""

    redirect_uri: str = ""


@dataclass(frozen=True)
class SignIn(Step):
    """The person has to authenticate first."""

    login_hint: str | None = None


@dataclass(frozen=True)
class StepUp(Step):
    """The person has to authenticate further, to reach a level."""

    acr: str


@dataclass(frozen=True)
class Choose(Step):
    """The person is to say with which account to go on."""

    name: str
    phone_masked: str


@dataclass(frozen=True)
class Ask(Step):
    """The person is to allow the client what it asks for."""

    client_name: str
    client_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    scopes: list[str]
    resources: list[str]
    account: UUID


@dataclass(frozen=True)
class Asked:
    """The parameters, checked."""

    prompts: frozenset[str]
    max_age: int | None
    sub: UUID | None
    """Whom the client expects."""
    level: Level
    scopes: set[str]
    resources: set[str]


def parse(context: Context, request: Any) -> Asked:
    """Check the parameters of a request whose client and redirect URI are good. Raises `OAuth2Error`."""
    data, lists = request.payload.data, request.payload.datalist
    if "request" in data:
        raise RequestNotSupportedError()
    if not data.get("request_uri", _PUSHED).startswith(_PUSHED):
        raise RequestURINotSupportedError()
    if data.get("response_mode", "query") not in RESPONSE_MODES:
        raise InvalidRequestError("Invalid 'response_mode'.")
    prompts = frozenset(data.get("prompt", "").split())
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequestError("Invalid 'prompt' parameter.")
    wanted = claims.parse(data.get("claims"))
    return Asked(
        prompts=prompts,
        max_age=_max_age(data.get("max_age"), request.client.default_max_age),
        sub=_expected(context, data.get("id_token_hint"), wanted.get("id_token", {}).get("sub", {})),
        level=level_of(data, wanted.get("id_token", {}).get("acr"), request.client.default_acr_values),
        scopes=set((request.scope or "").split()) | claims.scopes(claims.allowed(wanted, request.client)),
        resources=set(lists.get("resource", [])),
    )


def next_step(
    context: Context, client: Any, asked: Asked, person: Account | None, marker: Marker | None
) -> SignIn | StepUp | Choose | Ask | None:
    """What the person has to do before the answer; None if nothing. Raises `OAuth2Error`."""
    browser = context.browser
    if marker is not None and marker.denied:
        raise AccessDeniedError()
    if asked.level.impossible or (marker is not None and marker.no_step_up):
        raise UnmetAuthenticationRequirementsError("The requested authentication context was not reached.")
    fresh = marker is not None and marker.fresh(browser)
    stale = (
        person is None
        or browser is None
        or (not fresh and "login" in asked.prompts)
        or (not fresh and _too_old(context, asked.max_age))
    )
    stranger = person is not None and asked.sub is not None and asked.sub != person.id
    silent = "none" in asked.prompts
    if stale or (stranger and not fresh):
        if silent:
            raise LoginRequiredError()
        return SignIn()
    if stranger:
        raise LoginRequiredError("Another person has signed in.")
    assert person is not None
    assert browser is not None
    if asked.level.need is not None and not asked.level.met(browser.acr):
        if silent:
            # A person could do it, so not yet unmet (OpenID Connect Core §3.1.2.6).
            raise LoginRequiredError()
        return StepUp(asked.level.need)
    if "select_account" in asked.prompts and not fresh and (not marker or marker.chosen != str(person.id)):
        return Choose(person.name, person.phone_masked)
    again = "consent" in asked.prompts and (marker is None or marker.consented != str(person.id))
    covered = client.first_party or Consents(context.session, context.clock).covers(
        person.id, client.client_id, asked.scopes, asked.resources
    )
    if covered and not again:
        return None
    if silent:
        raise ConsentRequiredError()
    return Ask(
        client_name=client.client_name,
        client_uri=client.client_uri,
        policy_uri=client.policy_uri,
        tos_uri=client.tos_uri,
        # What is said of `offline_access` speaks of those above it.
        scopes=sorted(asked.scopes, key=lambda name: (name == "offline_access", name)),
        resources=sorted(asked.resources),
        account=person.id,
    )


def _too_old(context: Context, max_age: int | None) -> bool:
    if max_age is None or context.browser is None:
        return False
    age = context.clock.now() - context.browser.authenticated_at
    # 0 always asks, like `prompt=login`.
    return max_age == 0 or age > timedelta(seconds=max_age)


def _max_age(text: str | None, default: int | None) -> int | None:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequestError("Invalid 'max_age' parameter.")
    return int(text)


def _expected(context: Context, token: str | None, request: dict[str, Any]) -> UUID | None:
    """The person of `id_token_hint`, or of a requested `sub` (OpenID Connect Core §5.5.1)."""
    if token is not None:
        hint = id_token_hint.read(context, token)
        if hint is None:
            raise InvalidRequestError("Invalid 'id_token_hint'.")
        return hint.sub
    wanted = claims.values_of(request)
    try:
        return UUID(wanted[0]) if wanted else None
    except ValueError as error:
        raise LoginRequiredError("Unknown 'sub'.") from error
