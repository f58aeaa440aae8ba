"""Pages of registering with a number that belongs to another person's account: the carrier gave it anew."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from identity.dependencies import ServiceSettings
from identity.pages.dependencies import JOIN_PAGE, Browser
from identity.phones.dependencies import RecoveryService
from identity.policies.dependencies import PolicyService
from identity.signin.dependencies import SignInService
from identity.signin.forms import (
    AgainAt,
    CaptchaAnswer,
    CaptchaToken,
    Code,
    Forms,
    Phone,
    Token,
    signed_in,
)
from identity.signin.terms import SentTerms, unticked

# Below /login, like the cookie of forms of browsers without a session.
router = APIRouter(prefix="/login/new-holder", include_in_schema=False)
_PAGE = "login/new_holder.html"
Text = Annotated[str, Form(max_length=100)]


@router.get("")
async def new_holder_page(forms: Forms, policies: PolicyService) -> Response:
    """Show the first step: the number, and who is meant."""
    return await forms.show(_PAGE, JOIN_PAGE, name="", **unticked(policies))


@router.post("/code")
async def send_code(
    forms: Forms,
    policies: PolicyService,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send a code for registering to the number."""
    forms.check(csrf, JOIN_PAGE)
    return await forms.send(
        _PAGE, JOIN_PAGE, phone, "register", captcha, answer, name="", **unticked(policies)
    )


@router.post("")
async def register(
    forms: Forms,
    recoveries: RecoveryService,
    signing_in: SignInService,
    terms: SentTerms,
    browser: Browser,
    settings: ServiceSettings,
    csrf: Token,
    phone: Phone = "",
    code: Code = "",
    name: Text = "",
    id_number: Text = "",
    consent: Annotated[str, Form(max_length=10)] = "",
    again_at: AgainAt = 0,
) -> Response:
    """Verify the real name, create the account and a session; the former account loses the number."""
    forms.check(csrf, JOIN_PAGE)

    async def act() -> Response:
        terms.check()
        account = await recoveries.register_as_new_holder(
            phone,
            ticket=forms.ticket,
            code=code,
            name=name,
            id_number=id_number,
            consent=consent == "yes",
            agreed=terms.seen,
        )
        return signed_in(await signing_in.begin(account.id, browser, code), JOIN_PAGE, settings)

    return await forms.confirm(
        _PAGE, JOIN_PAGE, act, phone=phone, code=code, again_at=again_at, name=name, **terms.shown
    )
