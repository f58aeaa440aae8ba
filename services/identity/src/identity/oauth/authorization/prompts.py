"""Prompts before the response to an authorization request, as one list.

Each prompt decides whether it is required and returns its page. The first required prompt is shown; with
`prompt=none` its error is returned instead (OpenID Connect Core §3.1.2.1, §3.1.2.6).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError
from authlib.oidc.core.errors import (
    AccountSelectionRequiredError,
    ConsentRequiredError,
    InteractionRequiredError,
    LoginRequiredError,
)

from identity.clients.rules import LOOPBACK
from identity.oauth.authorization.checks import AuthorizationRequest
from identity.oauth.authorization.interaction import Marker
from identity.oauth.state.snapshots import Person
from identity.policies.rules import missing


class UnmetAuthenticationRequirementsError(OAuth2Error):  # type: ignore[misc]
    """OpenID Connect Core Unmet Authentication Requirements 1.0 §2, RFC 9470 §5."""

    error = "unmet_authentication_requirements"


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page to show; its CSP allows `redirect_uri`, the target of the response."""

    redirect_uri: str


@dataclass(frozen=True)
class LoginPage(Page):
    """The person must sign in."""

    login_hint: str | None = None


@dataclass(frozen=True)
class StepUpPage(Page):
    """The person must authenticate further to reach a level."""

    acr: str


@dataclass(frozen=True)
class SelectAccountPage(Page):
    """The person must select an account."""

    client_id: str
    name: str
    phone_masked: str


@dataclass(frozen=True)
class AgreementPage(Page):
    """The person must agree to new versions of the issuer's documents."""


@dataclass(frozen=True)
class ConsentPage(Page):
    """The person must consent to the client's request."""

    client_id: str
    client_name: str
    policy_uri: str | None
    tos_uri: str | None
    scopes: list[str]
    resources: list[str]
    account: UUID
    name: str
    phone_masked: str


@dataclass(frozen=True)
class Interaction:
    """A checked request, the person at the browser, and their actions since the request (`marker`)."""

    request: AuthorizationRequest
    person: Person | None
    marker: Marker | None

    @property
    def fresh(self) -> bool:
        """Whether the person has signed in since the request."""
        return self.marker is not None and self.marker.fresh(self.request.context.browser)

    @property
    def another_person(self) -> bool:
        """Whether the signed-in person differs from the one that the client expects."""
        expected = self.request.sub
        return self.person is not None and expected is not None and expected != self.person.id


Needed = Callable[[Interaction], bool]


def no_session(at: Interaction) -> bool:
    """Return whether no person is signed in."""
    return at.person is None or at.request.context.browser is None


def login_requested(at: Interaction) -> bool:
    """Return whether `prompt=login` requires a sign-in."""
    return "login" in at.request.prompts and not at.fresh


def too_old(at: Interaction) -> bool:
    """Return whether the sign-in is older than `max_age`; 0 always requires one, like `prompt=login`."""
    browser, max_age = at.request.context.browser, at.request.max_age
    if max_age is None or browser is None or at.fresh:
        return False
    age = at.request.context.clock.now() - browser.authenticated_at
    return max_age == 0 or age > timedelta(seconds=max_age)


def another_person(at: Interaction) -> bool:
    """Return whether the signed-in person differs from the one that the client expects."""
    return at.another_person and not at.fresh


LOGIN_REASONS: tuple[Needed, ...] = (no_session, login_requested, too_old, another_person)


def login(at: Interaction) -> LoginPage | None:
    """Prompt for sign-in. Raises `login_required` if another person than the expected one then signed in."""
    if any(reason(at) for reason in LOGIN_REASONS):
        # For a pushed request, only the pushed parameters count.
        return LoginPage(at.request.data.get("login_hint"), redirect_uri=at.request.redirect_uri)
    if at.another_person:
        raise LoginRequiredError("Another person has signed in.")
    return None


def step_up(at: Interaction) -> StepUpPage | None:
    """Prompt for the requested level of authentication (RFC 9470)."""
    browser, level = at.request.context.browser, at.request.level
    if browser is None or level.need is None or level.met(browser.acr):
        return None
    return StepUpPage(level.need, redirect_uri=at.request.redirect_uri)


def select_account(at: Interaction) -> SelectAccountPage | None:
    """Prompt for `prompt=select_account`: continue as the signed-in person, or as another."""
    if at.person is None or "select_account" not in at.request.prompts or at.fresh:
        return None
    if at.marker is not None and at.marker.chosen == str(at.person.id):
        return None
    return SelectAccountPage(
        at.request.client.client_id,
        at.person.name,
        at.person.phone_masked,
        redirect_uri=at.request.redirect_uri,
    )


def agreement(at: Interaction) -> AgreementPage | None:
    """Prompt for the agreement to documents of the issuer that have changed."""
    assert at.person is not None
    context = at.request.context
    read = context.visitor
    agreed = context.browsing.agreed(at.person.id) if read is None else read.agreed
    if not missing(context.parts.policies, agreed):
        return None
    return AgreementPage(redirect_uri=at.request.redirect_uri)


def consent(at: Interaction) -> ConsentPage | None:
    """Prompt for scopes without consent by third-party clients; with `prompt=consent`, for all scopes."""
    request, client = at.request, at.request.client
    assert at.person is not None
    answered = at.marker is not None and at.marker.consented == str(at.person.id)
    again = ("consent" in request.prompts or unassured(request)) and not answered
    covered = client.first_party or _allowed(request, at.person)
    if covered and not again:
        return None
    return ConsentPage(
        client_id=client.client_id,
        client_name=client.client_name,
        policy_uri=client.policy_uri,
        tos_uri=client.tos_uri,
        # The description of `offline_access` refers to the scopes above it.
        scopes=sorted(request.scopes, key=lambda name: (name == "offline_access", name)),
        resources=sorted(request.resources),
        account=at.person.id,
        name=at.person.name,
        phone_masked=at.person.phone_masked,
        redirect_uri=request.redirect_uri,
    )


def unassured(request: AuthorizationRequest) -> bool:
    """Return whether any program on the person's machine could have sent the request (RFC 8252 §8.6).

    A public client has nothing to prove who it is, and any program can listen on a port of the own machine.
    So a consent that was given once is not enough for an answer without the person (OAuth 2.1 §7.3.1); the
    development client, which exists in dev mode only, is excepted.
    """
    client, host = request.client, urlsplit(request.redirect_uri).hostname
    if client.first_party and request.context.settings.dev:
        return False
    return client.token_endpoint_auth_method == "none" and host in LOOPBACK


def _allowed(request: AuthorizationRequest, person: Person) -> bool:
    given = request.context.browsing.consented(person.id, request.client.client_id)
    return given is not None and request.scopes <= given[0] and set(request.resources) <= given[1]


@dataclass(frozen=True)
class Prompt:
    """A prompt, and its error with `prompt=none`."""

    page: Callable[[Interaction], Page | None]
    error: type[OAuth2Error]


PROMPTS: tuple[Prompt, ...] = (
    Prompt(login, LoginRequiredError),
    # The person could reach the level, so it is not unmet yet (OpenID Connect Core §3.1.2.6).
    Prompt(step_up, LoginRequiredError),
    Prompt(select_account, AccountSelectionRequiredError),
    Prompt(agreement, InteractionRequiredError),
    Prompt(consent, ConsentRequiredError),
)


def next_page(request: AuthorizationRequest, person: Person | None, marker: Marker | None) -> Page | None:
    """Return the page of the first required prompt, or None if the request can be answered.

    Raises `OAuth2Error`, which is returned to the client's redirect URI.
    """
    try:
        return _next_page(Interaction(request, person, marker))
    except OAuth2Error as error:
        error.redirect_uri, error.state = request.redirect_uri, request.message.payload.state
        raise


def _next_page(at: Interaction) -> Page | None:
    if at.marker is not None and at.marker.denied:
        raise AccessDeniedError()
    if at.request.level.impossible or (at.marker is not None and at.marker.no_step_up):
        raise UnmetAuthenticationRequirementsError("The requested authentication context was not reached.")
    for prompt in PROMPTS:
        page = prompt.page(at)
        if page is not None:
            if at.request.silent:
                raise prompt.error()
            return page
    return None
