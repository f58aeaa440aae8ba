"""Pages for people who have lost their number, and for those whose number is to be taken off an account."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from identity.codes.captchas import Answer
from identity.pages.dependencies import HOME_PAGE
from identity.pages.rendering import page
from identity.phones.dependencies import PhoneService, RecoveryService
from identity.phones.rules import ASKED
from identity.signin.dependencies import SignInService
from identity.signin.forms import (
    AgainAt,
    CaptchaAnswer,
    CaptchaToken,
    Code,
    CodeStep,
    Forms,
    Phone,
    Token,
)
from servicekit.problems import Problem

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
    signing_in: SignInService,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send a code to the new number."""
    forms.check(csrf, HOME_PAGE)
    return await forms.send(
        _RECOVER,
        HOME_PAGE,
        phone,
        partial(signing_in.send, "recover"),
        signing_in.captcha,
        Answer(captcha, answer) if captcha else None,
        name="",
        old_phone="",
    )


@router.post("/recover")
async def recover(
    forms: Forms,
    recoveries: RecoveryService,
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
    try:
        await recoveries.request(
            phone,
            ticket=forms.ticket,
            code=code,
            name=name,
            id_number=id_number,
            old_phone=old_phone.strip() or None,
        )
    except Problem as problem:
        return await forms.show(
            _RECOVER,
            HOME_PAGE,
            phone=phone,
            sent=CodeStep(again_at),
            message=problem.detail,
            status=problem.status,
            name=name,
            old_phone=old_phone,
        )
    return page("login/asked.html", title="申请已收到", message=ASKED)


@router.get("/cancel-change")
async def cancel_page(forms: Forms) -> Response:
    """Show the first step: the old number."""
    return await forms.show(_CANCEL, HOME_PAGE)


@router.post("/cancel-change/code")
async def send_cancel_code(
    forms: Forms,
    signing_in: SignInService,
    csrf: Token,
    phone: Phone = "",
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send a code to the old number."""
    forms.check(csrf, HOME_PAGE)
    answered = Answer(captcha, answer) if captcha else None
    send = partial(signing_in.send, "cancel_change")
    return await forms.send(_CANCEL, HOME_PAGE, phone, send, signing_in.captcha, answered)


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
    try:
        await phones.cancel_by_old_number(phone, ticket=forms.ticket, code=code)
    except Problem as problem:
        return await forms.show(
            _CANCEL,
            HOME_PAGE,
            phone=phone,
            sent=CodeStep(again_at),
            message=problem.detail,
            status=problem.status,
        )
    return page("login/asked.html", title="已取消更换手机号", message="账号仍使用原手机号登录。")
