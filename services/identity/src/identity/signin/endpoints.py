"""Sign-in at the issuer with phone number and SMS code, in server-rendered forms."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from identity.accounts.rules import normalise_phone
from identity.dependencies import ServiceSettings, ServiceVault
from identity.oauth.authorization import hints
from identity.pages.dependencies import HOME_PAGE, Browser, checked_return
from identity.pages.rendering import see_other
from identity.signin.dependencies import SignInService
from identity.signin.forms import (
    AgainAt,
    CaptchaAnswer,
    CaptchaToken,
    Code,
    Forms,
    Phone,
    ReturnTo,
    Token,
    signed_in,
)

router = APIRouter(include_in_schema=False)
_PAGE = "login/phone.html"


@router.get("/login")
async def login_page(
    forms: Forms,
    vault: ServiceVault,
    return_to: Annotated[str, Query(max_length=8000)] = "",
    login_hint: Annotated[str, Query(max_length=hints.MAX_LENGTH)] = "",
) -> Response:
    """Show the sign-in form; prefill a `login_hint` that is a phone number (OpenID Connect Core §3.1.2.1)."""
    if not return_to:
        # Somebody typed the address, or kept it as a bookmark.
        return see_other(HOME_PAGE)
    checked_return(return_to)
    hint = hints.sealed(vault, login_hint)
    if hint != login_hint:
        return see_other("/login?" + urlencode({"return_to": return_to, hints.PARAM: hint}))
    return await forms.show(_PAGE, return_to, phone=normalise_phone(hints.opened(vault, hint)) or "")


@router.post("/login/code")
async def send_code(
    forms: Forms,
    return_to: ReturnTo,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send an SMS code; the page is the same for unregistered numbers."""
    forms.check(csrf, return_to)
    return await forms.send(_PAGE, return_to, phone, "sign_in", captcha, answer)


@router.post("/login")
async def sign_in(
    forms: Forms,
    signing_in: SignInService,
    browser: Browser,
    settings: ServiceSettings,
    return_to: ReturnTo,
    csrf: Token,
    phone: Phone = "",
    code: Code = "",
    again_at: AgainAt = 0,
) -> Response:
    """Verify the code, create a session and redirect to the client. `code` may be the whole text message."""
    forms.check(csrf, return_to)

    async def act() -> Response:
        made = await signing_in.with_code(phone, forms.ticket, code, browser)
        return signed_in(made, return_to, settings)

    return await forms.confirm(_PAGE, return_to, act, phone=phone, code=code, again_at=again_at)
