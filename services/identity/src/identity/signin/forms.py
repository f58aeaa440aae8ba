"""The two steps of proving a phone number on a page: asking for a code, and typing it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, Form, Request
from fastapi.responses import Response

from identity.accounts.dependencies import NumberCodeService
from identity.accounts.errors import BadPhone
from identity.accounts.rules import normalise_phone
from identity.clients.dependencies import NameService
from identity.clients.shown import SystemName
from identity.codes import rules as code_rules
from identity.codes.browsers import keep_device, keep_ticket, ticket_cookie
from identity.codes.captchas import Answer, Captcha
from identity.codes.dependencies import CodeService
from identity.codes.errors import CaptchaIncorrect, CaptchaRequired, CodeTooSoon
from identity.codes.rules import CaptchaKind
from identity.dependencies import ServiceSettings, ServiceVault
from identity.oauth.authorization.interaction import client_origin
from identity.oauth.authorization.systems import system_of
from identity.pages.csrf import check_login, keep_login_cookie, login_cookie, login_token
from identity.pages.dependencies import checked_return, is_secure, keep_session
from identity.pages.rendering import page, see_other
from identity.signin.service import SignedIn
from servicekit.clock import SHANGHAI
from servicekit.db import Session
from servicekit.dependencies import ServiceClock
from servicekit.lane_sessions import keep
from servicekit.problems import Problem

ReturnTo = Annotated[str, Form(max_length=8000)]
Token = Annotated[str, Form(max_length=128, alias="csrf")]
Phone = Annotated[str, Form(max_length=40)]
Code = Annotated[str, Form(max_length=500)]
"""May be the whole text message."""
AgainAt = Annotated[int, Form(ge=0, le=1 << 40)]
CaptchaToken = Annotated[str, Form(max_length=1000)]
IdNumber = Annotated[str, Form(max_length=40)]
CaptchaAnswer = Annotated[str, Form(max_length=20)]


@dataclass(frozen=True)
class Way:
    """Pages on which a number is proved."""

    purpose: str
    template: str
    start: str
    """The address of the first step."""
    returns: bool = False
    """Whether the first step says where to go on afterwards."""


WAYS = {
    "sign-in": Way("sign_in", "login/phone.html", "/login", returns=True),
    "register": Way("register", "login/register.html", "/login/register", returns=True),
    "new-holder": Way("register", "login/new_holder.html", "/login/new-holder"),
    "recover": Way("recover", "login/recover.html", "/login/recover"),
    "cancel-change": Way("cancel_change", "login/cancel_change.html", "/login/cancel-change"),
}
WayName = Literal["sign-in", "register", "new-holder", "recover", "cancel-change"]


@dataclass(frozen=True)
class CodeStep:
    """The second step: a code is on its way."""

    again_at: int
    """When another one can be asked for, in seconds since 1970; only shown, the service decides."""


class CodeForms:
    """Pages of a browser without a session that proves a phone number."""

    def __init__(
        self,
        request: Request,
        session: Session,
        vault: ServiceVault,
        settings: ServiceSettings,
        clock: ServiceClock,
        names: NameService,
        numbers: NumberCodeService,
        codes: CodeService,
    ) -> None:
        self._request = request
        self._session = session
        self._vault = vault
        self._settings = settings
        self._clock = clock
        self._names = names
        self._numbers = numbers
        self._codes = codes
        self._systems: dict[str, SystemName | None] = {}
        self.ticket = ticket_cookie(request)
        self.secure = is_secure(settings)

    def check(self, csrf: str, return_to: str) -> None:
        """Verify a form. Raises `Forged`, `BadReturn`."""
        check_login(self._request, self._vault, self._settings, csrf)
        checked_return(return_to)

    async def show(
        self,
        template: str,
        return_to: str,
        *,
        phone: str = "",
        sent: CodeStep | None = None,
        message: str = "",
        status: int = 200,
        captcha: Captcha | None = None,
        refused: bool = False,
        proved: str = "",
        **values: Any,
    ) -> Response:
        """Return the page of the first step, or of the second if a code was `sent`.

        The first step offers to text from the phone if sending a code was `refused`, the second one always.
        With `proved`, the digits that have arrived from the phone, no code is asked for.
        """
        cookie = login_cookie(self._request)
        now = self._clock.now()
        again_at = 0 if sent is None else sent.again_at
        wait = min(again_at - int(now.timestamp()), int(code_rules.RESEND_AFTER.total_seconds()))
        response = page(
            template,
            status=status,
            form_action=client_origin(return_to),
            system=await self._system(return_to),
            scripts=sent is not None,
            return_to=return_to,
            csrf=login_token(self._vault, cookie),
            phone=phone,
            sent=sent is not None,
            message=message,
            captcha=captcha,
            way=next(name for name, way in WAYS.items() if way.template == template),
            texting=self._settings.texting_number is not None,
            pictures=captcha is not None and captcha.picture is not None,
            refused=refused,
            proved=proved,
            again_at=again_at,
            wait=max(wait, 0),
            again_time=(now + timedelta(seconds=wait)).astimezone(SHANGHAI).strftime("%H:%M:%S"),
            **values,
        )
        keep_ticket(response, self.ticket, secure=self.secure)
        keep_login_cookie(response, cookie, secure=self.secure)
        return response

    async def _system(self, return_to: str) -> SystemName | None:
        """Return the system that the person goes to; asked for before anything is locked or counted."""
        if return_to not in self._systems:
            self._systems[return_to] = await system_of(self._names, return_to)
        return self._systems[return_to]

    async def another(
        self, template: str, return_to: str, phone: str, kind: CaptchaKind, **values: Any
    ) -> Response:
        """Return the first step with another captcha, of the kind that the person has chosen."""
        await self._system(return_to)
        return await self.show(
            template,
            return_to,
            phone=phone,
            captcha=await self._numbers.captcha(self.ticket, kind),
            refused=True,
            **values,
        )

    async def send(
        self,
        template: str,
        return_to: str,
        phone: str,
        purpose: str,
        captcha: str,
        answer: str,
        **values: Any,
    ) -> Response:
        """Send a code for a purpose, with the `answer` to a `captcha` if there is one, and return the page of
        the next step.

        When a code that can still be used is already on its way, the page asks for it. When a
        budget is half used, the first step is shown again, with a captcha.
        """
        await self._system(return_to)
        now = int(self._clock.now().timestamp())
        step: CodeStep | None = CodeStep(now + int(code_rules.RESEND_AFTER.total_seconds()))
        message, status, question, refused = "", 200, None, False
        try:
            await self._numbers.send(
                purpose, phone, self.ticket, Answer(captcha, answer) if captcha else None
            )
        except Problem as problem:
            message, status = problem.detail, problem.status
            if isinstance(problem, CaptchaRequired | CaptchaIncorrect):
                question = await self._numbers.captcha(self.ticket)
            step = None
            refused = not isinstance(problem, BadPhone | CodeTooSoon)
            if isinstance(problem, CodeTooSoon) and problem.live:
                step = CodeStep(now + problem.seconds)
        return await self.show(
            template,
            return_to,
            phone=normalise_phone(phone) or phone,
            sent=step,
            message=message,
            status=status,
            captcha=question,
            refused=refused,
            **values,
        )

    async def confirm(
        self,
        template: str,
        return_to: str,
        act: Callable[[], Awaitable[Response]],
        *,
        phone: str,
        code: str,
        again_at: int,
        **values: Any,
    ) -> Response:
        """Return the response of `act`, which redeems the `code`. If it raises a problem, return the page of
        the second step with it. The counted attempt is committed before, whatever becomes of the page.

        Who has texted from the phone gets that step again while the proof is good, else the first one.
        """
        await self._system(return_to)
        try:
            return await act()
        except Problem as problem:
            purpose = next(way.purpose for way in WAYS.values() if way.template == template)
            proved = await self._codes.proved(phone, purpose, self.ticket, code)
            await keep(self._session)
            over = code_rules.challenge_of(code) is not None and not proved
            return await self.show(
                template,
                return_to,
                phone=phone,
                sent=None if over else CodeStep(again_at),
                proved=proved,
                message=problem.detail,
                status=problem.status,
                **values,
            )


def signed_in(made: SignedIn, return_to: str, settings: ServiceSettings) -> Response:
    """Return the redirect of a browser that has just signed in, with its cookies."""
    response = see_other(return_to)
    keep_device(response, made.device, secure=is_secure(settings))
    return keep_session(response, made.session, settings)


Forms = Annotated[CodeForms, Depends()]
