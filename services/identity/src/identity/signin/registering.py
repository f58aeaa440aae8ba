"""Registering at the issuer with phone number, SMS code and real name, in server-rendered forms."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse, Response

from identity.codes.browsers import keep_device
from identity.codes.captchas import Answer
from identity.dependencies import ServiceSettings
from identity.pages.dependencies import JOIN_PAGE, Browser, checked_return, keep_session
from identity.signin.dependencies import SignInService
from identity.signin.errors import TermsNotAccepted
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

# Below /login, like the cookie of forms of browsers without a session.
router = APIRouter(prefix="/login/register", include_in_schema=False)
_PAGE = "login/register.html"


@router.get("")
async def register_page(
    forms: Forms, return_to: Annotated[str, Query(max_length=8000)] = JOIN_PAGE
) -> Response:
    """Show the first step: the phone number."""
    return await forms.show(_PAGE, checked_return(return_to), name="", agreed=False)


@router.post("/code")
async def send_code(
    forms: Forms,
    signing_in: SignInService,
    return_to: ReturnTo,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send an SMS code; the page is the same for registered numbers, whose holder is told by SMS."""
    forms.check(csrf, return_to)
    answered = Answer(captcha, answer) if captcha else None
    return await forms.send(
        _PAGE,
        return_to,
        phone,
        partial(signing_in.send, "register"),
        signing_in.captcha,
        answered,
        name="",
        agreed=False,
    )


@router.post("")
async def register(
    forms: Forms,
    signing_in: SignInService,
    browser: Browser,
    settings: ServiceSettings,
    return_to: ReturnTo,
    csrf: Token,
    phone: Phone = "",
    code: Code = "",
    name: Annotated[str, Form(max_length=100)] = "",
    agreed: Annotated[str, Form(max_length=10)] = "",
    again_at: AgainAt = 0,
) -> Response:
    """Create the account and a session, and go on.

    An error is rendered, not raised, so that the counted attempt is committed.
    """
    forms.check(csrf, return_to)
    try:
        if agreed != "yes":
            raise TermsNotAccepted
        signed_in = await signing_in.register(phone, forms.ticket, code, name, browser)
    except Problem as problem:
        return await forms.show(
            _PAGE,
            return_to,
            phone=phone,
            sent=CodeStep(again_at),
            message=problem.detail,
            status=problem.status,
            name=name,
            agreed=agreed == "yes",
        )
    response = RedirectResponse(return_to, 303, {"Cache-Control": "no-store"})
    keep_device(response, signed_in.device, secure=forms.secure)
    return keep_session(response, signed_in.session, settings)
