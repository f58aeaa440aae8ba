"""Pages for people who have lost their number, and for those whose number is to be taken off an account."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from identity.pages.dependencies import HOME_PAGE
from identity.pages.rendering import page
from identity.phones.dependencies import LostAccountService, PhoneService
from identity.phones.rules import ASKED
from identity.signin.forms import AgainAt, CaptchaAnswer, CaptchaToken, Code, Forms, Phone, Token

# Below /login, like the cookie of forms of browsers without a session.
router = APIRouter(prefix="/login", include_in_schema=False)
_RECOVER, _CANCEL = "login/recover.html", "login/cancel_change.html"
Text = Annotated[str, Form(max_length=100)]


@router.get("/recover")
async def recover_page(forms: Forms) -> Response:
    """Show the first step: the new number."""
    return await forms.show(_RECOVER, HOME_PAGE, name="", old_phone="")


@router.post("/recover/code")
async def send_recovery_code(
    forms: Forms,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send a code to the new number."""
    forms.check(csrf, HOME_PAGE)
    return await forms.send(_RECOVER, HOME_PAGE, phone, "recover", captcha, answer, name="", old_phone="")


@router.post("/recover")
async def recover(
    forms: Forms,
    lost: LostAccountService,
    csrf: Token,
    phone: Phone = "",
    code: Code = "",
    name: Text = "",
    id_number: Text = "",
    old_phone: Phone = "",
    again_at: AgainAt = 0,
) -> Response:
    """Ask for one's account; the answer does not tell whether there is one."""
    forms.check(csrf, HOME_PAGE)

    async def act() -> Response:
        await lost.request(
            phone,
            ticket=forms.ticket,
            code=code,
            name=name,
            id_number=id_number,
            old_phone=old_phone.strip() or None,
        )
        return page("login/recovery_asked.html", message=ASKED)

    return await forms.confirm(
        _RECOVER, HOME_PAGE, act, phone=phone, code=code, again_at=again_at, name=name, old_phone=old_phone
    )


@router.get("/cancel-change")
async def cancel_page(forms: Forms) -> Response:
    """Show the first step: the old number."""
    return await forms.show(_CANCEL, HOME_PAGE)


@router.post("/cancel-change/code")
async def send_cancel_code(
    forms: Forms,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send a code to the old number."""
    forms.check(csrf, HOME_PAGE)
    return await forms.send(_CANCEL, HOME_PAGE, phone, "cancel_change", captcha, answer)


@router.post("/cancel-change")
async def cancel_change(
    forms: Forms,
    phones: PhoneService,
    csrf: Token,
    phone: Phone = "",
    code: Code = "",
    again_at: AgainAt = 0,
) -> Response:
    """Cancel the change of the account with the number that got the code."""
    forms.check(csrf, HOME_PAGE)

    async def act() -> Response:
        await phones.cancel_by_old_number(phone, ticket=forms.ticket, code=code)
        return page("login/change_cancelled.html")

    return await forms.confirm(_CANCEL, HOME_PAGE, act, phone=phone, code=code, again_at=again_at)
