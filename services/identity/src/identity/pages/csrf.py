"""CSRF protection of forms: a token bound to the session's current secret, or to a browser cookie before
there is a session; and a check of the page's origin.
"""

import secrets

from fastapi import Request, Response

from identity.sessions.models import BrowserSession
from identity.settings import Settings
from identity.vault import Vault
from servicekit.problems import Problem

_SESSION = "csrf-session"
_COOKIE = "csrf"


class Forged(Problem):
    """The form was not rendered by this issuer for this browser."""

    status = 403
    code = "forged_form"
    title = "页面已失效"
    detail = "页面已失效，请返回重新登录。"


def token_of(vault: Vault, browser: BrowserSession) -> str:
    """Return the token for forms in a session; it changes with every sign-in."""
    return vault.index(_SESSION, _of_session(browser)).hex()


def check(
    request: Request, vault: Vault, settings: Settings, browser: BrowserSession | None, token: str
) -> BrowserSession:
    """Verify a form and return its session. Raises `Forged`."""
    check_origin(request, settings)
    if browser is None or not vault.matches(_SESSION, _of_session(browser), _digest(token)):
        raise Forged
    return browser


LOGIN_COOKIE = "zhuxue_csrf"
"""Cookie of a browser without a session."""


def login_cookie(request: Request) -> str:
    """Return the browser's cookie value, or a new one; see `keep_login_cookie`."""
    return request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(24)


def login_token(vault: Vault, cookie: str) -> str:
    """Return the token for forms of pages without a session, such as those below `/login`."""
    return vault.index(_COOKIE, cookie).hex()


def keep_login_cookie(response: Response, cookie: str, *, secure: bool, path: str = "/login") -> None:
    """Set the cookie that `login_token` is bound to, for the forms below `path`."""
    response.set_cookie(LOGIN_COOKIE, cookie, httponly=True, samesite="lax", secure=secure, path=path)


def check_login(request: Request, vault: Vault, settings: Settings, token: str) -> None:
    """Verify that the form was rendered by this issuer for this browser. Raises `Forged`."""
    cookie = request.cookies.get(LOGIN_COOKIE, "")
    check_origin(request, settings)
    if not cookie or not vault.matches(_COOKIE, cookie, _digest(token)):
        raise Forged


def check_origin(request: Request, settings: Settings) -> None:
    """Verify the origin: pages of the issuer send `Origin: null` or its own, because they forbid a referrer.
    Raises `Forged`.
    """
    if request.headers.get("origin") not in (None, "null", settings.issuer_url):
        raise Forged


def _of_session(browser: BrowserSession) -> str:
    return f"{browser.id}\0{browser.secret_hash.hex()}"


def _digest(token: str) -> bytes:
    """Return the bytes of a token; none for text that is not hexadecimal, which matches nothing."""
    try:
        return bytes.fromhex(token)
    except ValueError:
        return b""
