"""OpenID Connect RP-Initiated Logout 1.0: the end session endpoint."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from identity.dependencies import ServiceSettings, ServiceVault
from identity.descriptions import PAGES
from identity.oauth.logout.dependencies import LogoutService
from identity.oauth.logout.frontchannel import logged_out
from identity.oauth.logout.service import Logout, LogoutRequest
from identity.pages import csrf
from identity.pages.dependencies import Browser, is_secure, without_session
from identity.pages.forms import form_pairs
from identity.pages.rendering import error_page, origin_of, page, see_other
from identity.sessions.dependencies import SessionService
from identity.sessions.models import BrowserSession
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.vault import Vault

router = APIRouter(tags=["OpenID Connect"])


@router.get(
    "/end_session",
    summary="退出登录",
    description="`id_token_hint` 属于本浏览器的会话时直接退出，否则先问本人（RP-Initiated Logout §2）。",
    response_class=RedirectResponse,
    status_code=303,
    responses=PAGES,
)
async def end_session(
    request: Request,
    logout: LogoutService,
    sessions: SessionService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
) -> Response:
    """Sign out immediately for a valid `id_token_hint` of this browser's session, else ask (§2)."""
    pairs = list(request.query_params.multi_items())
    return await _answer(request, logout, sessions, browser, vault, settings, pairs)


@router.post(
    "/end_session",
    summary="退出登录（表单）",
    description="同上，参数在请求体中（RP-Initiated Logout §2）。",
    response_class=RedirectResponse,
    status_code=303,
    responses=PAGES,
)
async def end_session_by_post(
    request: Request,
    logout: LogoutService,
    sessions: SessionService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
) -> Response:
    """The same with parameters in the body (§2)."""
    return await _answer(request, logout, sessions, browser, vault, settings, await form_pairs(request))


@router.post("/end_session/confirm", include_in_schema=False)
async def confirm(
    request: Request,
    logout: LogoutService,
    sessions: SessionService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    token: Annotated[str, Form(max_length=128, alias="csrf")],
) -> Response:
    """Sign out after the person's confirmation."""
    if browser is None:
        csrf.check_login(request, vault, settings, token)
    else:
        csrf.check(request, vault, settings, browser, token)
    form = await request.form()
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    asked = await logout.check(pairs)
    if asked.fault is not None:
        return error_page("invalid_request", asked.fault, title="无法退出")
    row = await logout.named(asked) if browser is None else await sessions.lock(browser.id)
    return await _sign_out(logout, settings, row, asked)


async def _answer(
    request: Request,
    logout: Logout,
    sessions: Sessions,
    browser: BrowserSession | None,
    vault: Vault,
    settings: Settings,
    pairs: list[tuple[str, str]],
) -> Response:
    asked = await logout.check(pairs)
    if asked.fault is not None:
        return error_page("invalid_request", asked.fault, title="无法退出")
    sid = None if asked.hint is None else asked.hint.sid
    if sid is not None and browser is not None and browser.id == sid:
        return await _sign_out(logout, settings, await sessions.lock(sid), asked)
    if browser is None and request.method == "POST":
        # A form from another site does not send the SameSite cookie; the same request as GET does.
        return see_other("/end_session?" + urlencode(pairs))
    if browser is None and await logout.named(asked) is None:
        return await _sign_out(logout, settings, None, asked)
    # An ID token is no secret: without the session's cookie, whoever sent it may be anybody (§2, §4).
    cookie = csrf.login_cookie(request)
    response = page(
        "oauth/end_session.html",
        form_action=origin_of(asked.uri or ""),
        client_name=None if asked.client is None else asked.client.client_name,
        csrf=csrf.login_token(vault, cookie) if browser is None else csrf.token_of(vault, browser),
        parameters=asked.parameters(hint=browser is None),
        elsewhere=browser is None,
    )
    if browser is None:
        csrf.keep_login_cookie(response, cookie, secure=is_secure(settings), path="/end_session")
    return response


async def _sign_out(
    logout: Logout, settings: Settings, row: BrowserSession | None, asked: LogoutRequest
) -> Response:
    clients = await logout.end(row)
    response = logged_out(settings.issuer_url, None if row is None else row.id, clients, asked.onward)
    return without_session(response, settings)
