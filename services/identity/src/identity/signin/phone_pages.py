"""Pages of changing one's phone number, and of the real-name check. Work without JavaScript."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from identity.accounts.rules import normalise_phone
from identity.codes import rules as code_rules
from identity.codes.browsers import keep_ticket, ticket_cookie
from identity.codes.captchas import Answer, Captcha
from identity.codes.dependencies import CodeSenderService
from identity.codes.errors import CaptchaIncorrect, CaptchaRequired
from identity.codes.rules import CaptchaKind, challenge_of
from identity.dependencies import ServiceSettings
from identity.pages.dependencies import HOME_PAGE, is_secure, without_session
from identity.pages.own import Own, OwnForm, OwnPages
from identity.pages.rendering import page
from identity.phones.dependencies import PhoneService
from identity.phones.service import Phones
from identity.signin.forms import CaptchaAnswer, CaptchaToken, Code, IdNumber, Phone
from identity.verification.dependencies import RealNameService
from servicekit.clock import SHANGHAI
from servicekit.dependencies import ServiceClock
from servicekit.problems import Problem

router = APIRouter(prefix=HOME_PAGE, include_in_schema=False)
PHONE_PAGE = f"{HOME_PAGE}/phone"
REAL_NAME_PAGE = f"{HOME_PAGE}/real-name"


@dataclass(frozen=True)
class Proved:
    """The digits that have arrived from the new and from the old number, in place of codes."""

    new: str = ""
    old: str = ""


NOTHING_PROVED = Proved()


class PhonePages:
    """The two steps of a change: asking for the codes, and typing them."""

    def __init__(self, request: Request, settings: ServiceSettings, clock: ServiceClock) -> None:
        self.ticket = ticket_cookie(request)
        self.secure = is_secure(settings)
        self._texting = settings.texting_number is not None
        self._clock = clock

    async def show(
        self,
        own: OwnPages,
        phones: Phones,
        *,
        phone: str = "",
        sent: bool = False,
        without_old: bool = False,
        problem: Problem | None = None,
        captcha: Captcha | None = None,
        proved: Proved = NOTHING_PROVED,
    ) -> Response:
        """Return the page; with `without_old`, the form for people without access to the old number."""
        response = own.show(
            "account/phone.html",
            here=HOME_PAGE,
            status=200 if problem is None else problem.status,
            account=own.account,
            helper=await phones.helper_of(own.account.id),
            change=await phones.mine(own.account.id),
            phone=phone,
            sent=sent,
            without_old=without_old,
            message="" if problem is None else problem.detail,
            captcha=captcha,
            pictures=captcha is not None and captcha.picture is not None,
            texting=self._texting,
            proved=proved,
            again_time=f"{(self._clock.now() + code_rules.RESEND_AFTER).astimezone(SHANGHAI):%H:%M:%S}",
        )
        keep_ticket(response, self.ticket, secure=self.secure)
        return response

    async def again(
        self, own: OwnPages, phones: Phones, problem: Problem, *, phone: str, codes: tuple[str, ...]
    ) -> Response:
        """Return the second step with what is wrong; `codes`: of the new number and, if asked for, the old.

        If what was texted from the numbers is of no more use, the first step.
        """
        proved = Proved(*await phones.proved(own.account.id, phone, self.ticket, *codes))
        over = any(challenge_of(code) for code in codes) and not all((proved.new, proved.old)[: len(codes)])
        return await self.show(
            own,
            phones,
            phone=phone,
            sent=not over,
            without_old=len(codes) == 1,
            problem=problem,
            proved=NOTHING_PROVED if over else proved,
        )


Steps = Annotated[PhonePages, Depends()]
WithoutOld = Annotated[bool, Form()]


@router.get("/phone")
async def phone_page(own: Own, phones: PhoneService, steps: Steps) -> Response:
    """Show the first step: the new number."""
    return await steps.show(own, phones)


@router.get("/phone/without-old")
async def without_old_number(own: Own, phones: PhoneService, steps: Steps) -> Response:
    """Show the first step for people who no longer have the old number."""
    return await steps.show(own, phones, without_old=True)


@router.post("/phone/codes")
async def send_codes(
    form: OwnForm,
    phones: PhoneService,
    sender: CodeSenderService,
    steps: Steps,
    phone: Phone = "",
    without_old: WithoutOld = False,
    captcha: CaptchaToken = "",
    answer: CaptchaAnswer = "",
) -> Response:
    """Send a code to the new number, and another one to the old number."""
    answered = Answer(captcha, answer) if captcha else None
    problem: Problem | None = None
    question: Captcha | None = None
    sent = True
    try:
        problem = await phones.send_codes(
            sender, form.account.id, phone, with_old=not without_old, ticket=steps.ticket, answer=answered
        )
    except Problem as refused:
        problem = refused
        sent = False
        if isinstance(refused, CaptchaRequired | CaptchaIncorrect):
            question = await sender.captcha(steps.ticket)
    return await steps.show(
        form,
        phones,
        phone=normalise_phone(phone) or phone,
        sent=sent,
        without_old=without_old,
        problem=problem,
        captcha=question,
    )


@router.post("/phone/captcha")
async def another_captcha(
    form: OwnForm,
    phones: PhoneService,
    sender: CodeSenderService,
    steps: Steps,
    phone: Phone = "",
    without_old: WithoutOld = False,
    kind: Annotated[CaptchaKind, Form()] = CaptchaKind.PICTURE,
) -> Response:
    """Show the first step with another captcha, of the kind that the person has chosen."""
    question = await sender.captcha(steps.ticket, kind)
    return await steps.show(form, phones, phone=phone, without_old=without_old, captcha=question)


@router.post("/phone")
async def change(
    form: OwnForm,
    phones: PhoneService,
    settings: ServiceSettings,
    steps: Steps,
    phone: Phone = "",
    code: Code = "",
    old_code: Code = "",
) -> Response:
    """Change the number at once; all sessions end.

    An error is rendered, not raised, so that the counted attempt is committed.
    """
    try:
        account = await phones.change(
            form.account.id, phone, ticket=steps.ticket, code=code, old_code=old_code
        )
    except Problem as problem:
        return await steps.again(form, phones, problem, phone=phone, codes=(code, old_code))
    return without_session(page("account/phone_changed.html", phone_masked=account.phone_masked), settings)


@router.post("/phone/without-old")
async def request(
    form: OwnForm,
    phones: PhoneService,
    steps: Steps,
    phone: Phone = "",
    code: Code = "",
    id_number: IdNumber = "",
) -> Response:
    """Request a change that takes effect after the waiting time."""
    try:
        await phones.request(form.account.id, phone, ticket=steps.ticket, code=code, id_number=id_number)
    except Problem as problem:
        return await steps.again(form, phones, problem, phone=phone, codes=(code,))
    return form.go(PHONE_PAGE, "已申请更换手机号。")


@router.post("/phone/cancel")
async def cancel(form: OwnForm, phones: PhoneService) -> Response:
    """Cancel the open change."""
    try:
        await phones.cancel(form.account.id)
    except Problem as problem:
        return form.refuse(PHONE_PAGE, problem)
    return form.go(PHONE_PAGE, "已取消更换手机号。")


@router.get("/real-name")
async def real_name(own: Own) -> Response:
    """Show whether the real name is verified, or the form."""
    return _real_name(own)


@router.post("/real-name")
async def verify(
    form: OwnForm,
    real_names: RealNameService,
    id_number: IdNumber = "",
    consent: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Verify the name and the identity number with the operator's provider."""
    try:
        await real_names.verify(form.account.id, id_number, consent=consent == "yes")
    except Problem as problem:
        return _real_name(form, problem)
    return form.go(REAL_NAME_PAGE, "已完成实名核验。")


def _real_name(own: OwnPages, problem: Problem | None = None) -> Response:
    return own.show(
        "account/real_name.html",
        here=HOME_PAGE,
        status=200 if problem is None else problem.status,
        account=own.account,
        message="" if problem is None else problem.detail,
    )
