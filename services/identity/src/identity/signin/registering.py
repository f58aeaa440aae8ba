"""Registering at the issuer with phone number, SMS code and real name, in server-rendered forms."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from identity.dependencies import ServiceSettings
from identity.pages.dependencies import JOIN_PAGE, Browser, checked_return
from identity.policies.dependencies import PolicyService
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
from identity.signin.terms import SentTerms, unticked

# Below /login, like the cookie of forms of browsers without a session.
router = APIRouter(prefix="/login/register", include_in_schema=False)
_PAGE = "login/register.html"


@router.get("")
async def register_page(
    forms: Forms, policies: PolicyService, return_to: Annotated[str, Query(max_length=8000)] = JOIN_PAGE
) -> Response:
    """Show the first step: the phone number."""
    return await forms.show(_PAGE, checked_return(return_to), name="", **unticked(policies))


@router.post("/code")
async def send_code(
    forms: Forms,
    policies: PolicyService,
    return_to: ReturnTo,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send an SMS code; the page is the same for registered numbers, whose holder is told by SMS."""
    forms.check(csrf, return_to)
    return await forms.send(
        _PAGE, return_to, phone, "register", captcha, answer, name="", **unticked(policies)
    )


@router.post("")
async def register(
    forms: Forms,
    signing_in: SignInService,
    terms: SentTerms,
    browser: Browser,
    settings: ServiceSettings,
    return_to: ReturnTo,
    csrf: Token,
    phone: Phone = "",
    code: Code = "",
    name: Annotated[str, Form(max_length=100)] = "",
    again_at: AgainAt = 0,
) -> Response:
    """Create the account and a session, and go on."""
    forms.check(csrf, return_to)

    async def act() -> Response:
        terms.check()
        made = await signing_in.register(phone, forms.ticket, code, name, terms.seen, browser)
        return signed_in(made, return_to, settings)

    return await forms.confirm(
        _PAGE, return_to, act, phone=phone, code=code, again_at=again_at, name=name, **terms.shown
    )
