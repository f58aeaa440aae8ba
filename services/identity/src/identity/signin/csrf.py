"""Forms of signed-in people: a token bound to the session's present secret, and the page's origin."""

import hmac

from fastapi import Request

from identity.sessions.models import BrowserSession
from identity.settings import Settings
from identity.vault import Vault
from servicekit.problems import Problem


class Forged(Problem):
    """The form was not rendered by us for this browser."""

    status = 403
    code = "forged_form"
    title = "页面已失效"
    detail = "页面已失效，请返回重新登录。"


def token_of(vault: Vault, browser: BrowserSession) -> str:
    """The token for forms shown in a session; signing in again changes it."""
    return vault.index("csrf-session", f"{browser.id}\0{browser.secret_hash.hex()}").hex()


def check(
    request: Request, vault: Vault, settings: Settings, browser: BrowserSession | None, token: str
) -> BrowserSession:
    """The session whose form this is. Raises `Forged`."""
    check_origin(request, settings)
    if browser is None or not hmac.compare_digest(token.encode(), token_of(vault, browser).encode()):
        raise Forged
    return browser


def check_origin(request: Request, settings: Settings) -> None:
    """Our pages send `Origin: null` or ours: they forbid a referrer. Raises `Forged`."""
    if request.headers.get("origin") not in (None, "null", settings.issuer_url):
        raise Forged
