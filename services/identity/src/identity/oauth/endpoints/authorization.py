"""The authorization endpoint over HTTP: returns the response to the client, or a page to show first."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from identity.descriptions import PAGES
from identity.oauth.authorization import hints
from identity.oauth.authorization.endpoint import Outcome, Untrusted
from identity.oauth.authorization.interaction import COOKIE, Interactions, Marker
from identity.oauth.authorization.prompts import (
    AgreementPage,
    ConsentPage,
    LoginPage,
    Page,
    SelectAccountPage,
    StepUpPage,
)
from identity.oauth.authorization.service import Authorizing
from identity.oauth.dependencies import keep
from identity.oauth.endpoints.pages import consent_page, select_account_page
from identity.pages import csrf
from identity.pages.dependencies import AGREE_PAGE, cookie_name, is_secure
from identity.pages.forms import form_pairs
from identity.pages.rendering import error_page, see_other
from identity.sessions.models import BrowserSession
from identity.vault import Vault
from servicekit.routing import DirectRoute

router = APIRouter(tags=["OpenID Connect"], route_class=DirectRoute)
_LONGEST_URL = 6000


@router.get(
    "/authorize",
    summary="授权端点",
    description="授权码流程，须用 PKCE（RFC 6749 §4.1、RFC 7636）。需要时先把浏览器引到登录、授权等页面。",
    response_class=RedirectResponse,
    status_code=303,
    responses=PAGES,
)
async def authorize(request: Request) -> Response:
    """Code flow with PKCE (RFC 6749 §4.1, RFC 7636). Redirects to sign-in or consent if required."""
    given = list(request.query_params.multi_items())
    pairs = hints.without_numbers(request.app.state.vault, given)
    if pairs != given:
        # Before anything else, so that the number stays in no address that the browser shows or keeps.
        return see_other("/authorize?" + urlencode(pairs))
    return await _answer(request, pairs)


@router.post(
    "/authorize",
    summary="授权端点（表单）",
    description="同上，参数在请求体中（OpenID Connect Core §3.1.2.1）。",
    response_class=RedirectResponse,
    status_code=303,
    responses=PAGES,
)
async def authorize_by_post(request: Request) -> Response:
    """The same with parameters in the body (OpenID Connect Core §3.1.2.1)."""
    pairs = hints.without_numbers(request.app.state.vault, await form_pairs(request))
    as_get = "/authorize?" + urlencode(pairs)
    if pairs and len(as_get) < _LONGEST_URL:
        issuer: Authorizing = request.app.state.authorizing
        if await issuer.live_session(_cookie(request)) is None:
            # The SameSite cookie is not sent with a form from another site: redirect to the same request as
            # GET.
            return see_other(as_get)
    return await _answer(request, pairs)


def _cookie(request: Request) -> str | None:
    return request.cookies.get(cookie_name(is_secure(request.app.state.settings)))


async def _answer(request: Request, pairs: list[tuple[str, str]]) -> Response:
    state = request.app.state
    flow = Interactions(state.vault, state.clock, request.cookies.get(COOKIE))
    sent, marker = flow.read(pairs)
    issuer: Authorizing = state.authorizing
    outcome, browser = await issuer.authorize(sent, _cookie(request), marker)
    response = await _response(issuer, state.vault, flow, (sent, marker), outcome, browser)
    return keep(flow, response, secure=is_secure(state.settings))


async def _response(
    issuer: Authorizing,
    vault: Vault,
    flow: Interactions,
    given: tuple[list[tuple[str, str]], Marker | None],
    outcome: Outcome,
    browser: BrowserSession | None,
) -> Response:
    sent, marker = given
    if isinstance(outcome, Untrusted):
        return error_page(outcome.error, outcome.description)
    if not isinstance(outcome, Page):
        return outcome.response()
    if isinstance(outcome, LoginPage):
        query = {"return_to": flow.url(sent, flow.begin(sent, browser, outcome.redirect_uri))}
        if outcome.login_hint:
            # That of a pushed request is not sealed yet.
            query[hints.PARAM] = hints.sealed(vault, outcome.login_hint)
        return see_other("/login?" + urlencode(query))
    # With the same marker: a sign-in after the request still counts.
    return_to = flow.url(sent, marker or flow.begin(sent, browser, outcome.redirect_uri))
    if isinstance(outcome, AgreementPage):
        return see_other(f"{AGREE_PAGE}?" + urlencode({"return_to": return_to}))
    if isinstance(outcome, StepUpPage):
        return see_other("/login/step-up?" + urlencode({"return_to": return_to, "acr": outcome.acr}))
    assert browser is not None
    token = csrf.token_of(vault, browser)
    if isinstance(outcome, SelectAccountPage):
        return select_account_page(outcome, await issuer.system(outcome.client_id), return_to, token)
    assert isinstance(outcome, ConsentPage)
    return consent_page(outcome, await issuer.system(outcome.client_id), return_to, token)
