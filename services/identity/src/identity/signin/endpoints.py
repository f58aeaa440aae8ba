"""Sign-in at the issuer with phone number and SMS code, in server-rendered forms."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse, Response

from identity.accounts.rules import normalise_phone
from identity.codes.browsers import keep_device
from identity.codes.captchas import Answer
from identity.dependencies import ServiceSettings
from identity.pages.dependencies import HOME_PAGE, Browser, checked_return, keep_session
from identity.signin.dependencies import SignInService
from identity.signin.forms import (
    AgainAt,
    CaptchaAnswer,
    CaptchaToken,
    Code,
    CodeStep,
    Forms,
    Phone,
    ReturnTo,
    Token,
)
from servicekit.problems import Problem

router = APIRouter(include_in_schema=False)
_PAGE = "login/phone.html"


@router.get("/login")
async def login_page(
    forms: Forms,
    return_to: Annotated[str, Query(max_length=8000)] = "",
    login_hint: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show the sign-in form; prefill a `login_hint` that is a phone number (OpenID Connect Core §3.1.2.1)."""
    if not return_to:
        # Somebody typed the address, or kept it as a bookmark.
        return RedirectResponse(HOME_PAGE, 303, {"Cache-Control": "no-store"})
    return await forms.show(_PAGE, checked_return(return_to), phone=normalise_phone(login_hint) or "")


@router.post("/login/code")
async def send_code(
    forms: Forms,
    signing_in: SignInService,
    return_to: ReturnTo,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send an SMS code; the page is the same for unregistered numbers."""
    forms.check(csrf, return_to)
    answered = Answer(captcha, answer) if captcha else None
    return await forms.send(
        _PAGE, return_to, phone, partial(signing_in.send, "sign_in"), signing_in.captcha, answered
    )


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
    """Verify the code, create a session and redirect to the client.

    `code` may be the whole text message. An error is rendered, not raised, so that the counted attempt is
    committed.
    """
    forms.check(csrf, return_to)
    try:
        signed_in = await signing_in.with_code(phone, forms.ticket, code, browser)
    except Problem as problem:
        return await forms.show(
            _PAGE,
            return_to,
            phone=phone,
            sent=CodeStep(again_at),
            message=problem.detail,
            status=problem.status,
        )
    response = RedirectResponse(return_to, 303, {"Cache-Control": "no-store"})
    keep_device(response, signed_in.device, secure=forms.secure)
    return keep_session(response, signed_in.session, settings)
