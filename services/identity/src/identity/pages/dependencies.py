"""The browser's session, for all endpoints with pages for a person."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from identity.dependencies import ServiceSettings
from identity.sessions.dependencies import SessionService
from identity.sessions.models import BrowserSession
from servicekit.problems import Problem


def cookie_name(secure: bool) -> str:
    """Return the cookie name. `__Host-` binds the cookie to this host and to TLS; dev mode has no TLS."""
    return "__Host-zhuxue_session" if secure else "zhuxue_session"


def is_secure(settings: ServiceSettings) -> bool:
    """Return whether the issuer uses TLS: always, except in dev mode."""
    return settings.issuer_url.startswith("https://")


def session_cookie(request: Request, settings: ServiceSettings) -> str | None:
    """Return the value of the session's cookie."""
    return request.cookies.get(cookie_name(is_secure(settings)))


async def browser_session(
    request: Request, sessions: SessionService, settings: ServiceSettings
) -> AsyncIterator[BrowserSession | None]:
    """Return the live session of the request's cookie.

    `last_seen_at` is updated at the end of the request: earlier, the session would be locked before the
    account.
    """
    row = await sessions.resume(session_cookie(request, settings))
    yield row
    if row is not None:
        sessions.touch(row)


def keep_session(response: Response, cookie: str, settings: ServiceSettings) -> Response:
    """Set the session's cookie on `response`."""
    secure = is_secure(settings)
    response.set_cookie(
        cookie_name(secure),
        cookie,
        max_age=settings.session_absolute_seconds,
        httponly=True,
        samesite="lax",
        secure=secure,
        path="/",
    )
    return response


def without_session(response: Response, settings: ServiceSettings) -> Response:
    """Delete the session's cookie on `response`."""
    secure = is_secure(settings)
    response.delete_cookie(cookie_name(secure), path="/", secure=secure, httponly=True, samesite="lax")
    return response


class BadReturn(Problem):
    """`return_to` is not a page of this issuer that requires a session."""

    status = 400
    code = "bad_return_to"
    title = "登录请求不正确"
    detail = "登录请求不正确，请从原系统重新进入。"


HOME_PAGE = "/account"
OWN_PAGE = "/account/sessions"
DEVICE_PAGE = "/device"
SECURITY_PAGE = "/account/security"
INTEGRATIONS_PAGE = "/integrations"
JOIN_PAGE = "/join"
AGREE_PAGE = "/login/agree"
_OWN_PAGES = frozenset({INTEGRATIONS_PAGE, DEVICE_PAGE, JOIN_PAGE, f"{JOIN_PAGE}/units"})
# With the code of an invite, or a unit that somebody chose before signing in.
_JOIN_WITH = re.compile(rf"{JOIN_PAGE}(\?code=[0-9A-Za-z-]{{4,40}}|/unit\?id=[0-9a-f-]{{36}})")
_ACCOUNT_PAGE = re.compile(rf"{HOME_PAGE}(/[a-z]+(-[a-z]+)*){{0,2}}")
# Only with the code of verification_uri_complete (RFC 8628 §3.3.1).
_DEVICE_WITH_CODE = re.compile(rf"{DEVICE_PAGE}\?user_code=[A-Z]{{4}}-[A-Z]{{4}}")


def checked_return(return_to: str) -> str:
    """Allow only the issuer's authorization endpoint and its own pages. Raises `BadReturn`."""
    if (
        return_to in _OWN_PAGES
        or _ACCOUNT_PAGE.fullmatch(return_to)
        or _DEVICE_WITH_CODE.fullmatch(return_to)
        or _JOIN_WITH.fullmatch(return_to)
    ):
        return return_to
    if not return_to.startswith("/authorize?") or any(ord(c) < 0x21 or c == "\\" for c in return_to):
        raise BadReturn
    return return_to


def own_return(page: str) -> str:
    """Return where a person comes back to who has to sign in before `page`, one of the issuer's own pages."""
    try:
        return checked_return(page)
    except BadReturn:
        return INTEGRATIONS_PAGE if page.startswith(f"{INTEGRATIONS_PAGE}/") else HOME_PAGE


Browser = Annotated[BrowserSession | None, Depends(browser_session, scope="function")]
