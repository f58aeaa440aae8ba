"""Sign-in at the issuer with phone number and SMS code, in server-rendered forms."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from identity.accounts.rules import normalise_phone
from identity.clients.dependencies import ClientService
from identity.codes import rules as code_rules
from identity.codes.browsers import keep_device, keep_ticket, ticket_cookie
from identity.codes.captchas import Answer, Captcha
from identity.codes.errors import CaptchaIncorrect, CaptchaRequired, CodeTooSoon
from identity.dependencies import ServiceSettings, ServiceVault
from identity.oauth.authorization.interaction import client_origin
from identity.oauth.authorization.systems import system_of
from identity.pages.csrf import check_login, keep_login_cookie, login_cookie, login_token
from identity.pages.dependencies import HOME_PAGE, Browser, checked_return, is_secure, keep_session
from identity.pages.rendering import page
from identity.signin.dependencies import SignInService
from servicekit.clock import SHANGHAI
from servicekit.dependencies import ServiceClock
from servicekit.problems import Problem

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class CodeStep:
    """The second step of signing in: a code is on its way."""

    again_at: int
    """When another one can be asked for, in seconds since 1970; only shown, the service decides."""


async def _render(
    request: Request,
    vault: ServiceVault,
    settings: ServiceSettings,
    clock: ServiceClock,
    clients: ClientService,
    return_to: str,
    *,
    phone: str = "",
    sent: CodeStep | None = None,
    message: str = "",
    status: int = 200,
    captcha: Captcha | None = None,
) -> Response:
    cookie = login_cookie(request)
    again_at = 0 if sent is None else sent.again_at
    wait = min(again_at - int(clock.now().timestamp()), int(code_rules.RESEND_AFTER.total_seconds()))
    response = page(
        "login/phone.html",
        status=status,
        form_action=client_origin(return_to),
        system=await system_of(clients, return_to),
        scripts=sent is not None,
        return_to=return_to,
        csrf=login_token(vault, cookie),
        phone=phone,
        sent=sent is not None,
        message=message,
        captcha=captcha,
        again_at=again_at,
        wait=max(wait, 0),
        again_time=(clock.now() + timedelta(seconds=wait)).astimezone(SHANGHAI).strftime("%H:%M:%S"),
    )
    keep_ticket(response, ticket_cookie(request), secure=is_secure(settings))
    keep_login_cookie(response, cookie, secure=is_secure(settings))
    return response


@router.get("/login")
async def login_page(
    request: Request,
    vault: ServiceVault,
    settings: ServiceSettings,
    clock: ServiceClock,
    clients: ClientService,
    return_to: Annotated[str, Query(max_length=8000)] = "",
    login_hint: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show the sign-in form; prefill a `login_hint` that is a phone number (OpenID Connect Core §3.1.2.1)."""
    if not return_to:
        # Somebody typed the address, or kept it as a bookmark.
        return RedirectResponse(HOME_PAGE, 303, {"Cache-Control": "no-store"})
    phone = normalise_phone(login_hint) or ""
    return await _render(request, vault, settings, clock, clients, checked_return(return_to), phone=phone)


@router.post("/login/code")
async def send_code(
    request: Request,
    signing_in: SignInService,
    vault: ServiceVault,
    settings: ServiceSettings,
    clock: ServiceClock,
    clients: ClientService,
    return_to: Annotated[str, Form(max_length=8000)],
    csrf: Annotated[str, Form(max_length=128)],
    phone: Annotated[str, Form(max_length=40)] = "",
    captcha: Annotated[str, Form(max_length=1000)] = "",
    answer: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Send an SMS code; the page is the same for unregistered numbers.

    When a code is already on its way, the page still asks for it. When a budget is half used, the first step
    is shown again, with a captcha.
    """
    check_login(request, vault, settings, csrf)
    checked_return(return_to)
    now = int(clock.now().timestamp())
    step: CodeStep | None = CodeStep(now + int(code_rules.RESEND_AFTER.total_seconds()))
    message, status, question = "", 200, None
    ticket = ticket_cookie(request)
    try:
        await signing_in.send_code(phone, ticket, Answer(captcha, answer) if captcha else None)
    except Problem as problem:
        message, status = problem.detail, problem.status
        if isinstance(problem, CaptchaRequired | CaptchaIncorrect):
            question = signing_in.captcha(ticket)
        step = CodeStep(now + problem.seconds) if isinstance(problem, CodeTooSoon) else None
    return await _render(
        request,
        vault,
        settings,
        clock,
        clients,
        return_to,
        phone=normalise_phone(phone) or phone,
        sent=step,
        message=message,
        status=status,
        captcha=question,
    )


@router.post("/login")
async def sign_in(
    request: Request,
    signing_in: SignInService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    clock: ServiceClock,
    clients: ClientService,
    return_to: Annotated[str, Form(max_length=8000)],
    csrf: Annotated[str, Form(max_length=128)],
    phone: Annotated[str, Form(max_length=40)] = "",
    code: Annotated[str, Form(max_length=500)] = "",
    again_at: Annotated[int, Form(ge=0, le=1 << 40)] = 0,
) -> Response:
    """Verify the code, create a session and redirect to the client.

    `code` may be the whole text message. An error is rendered, not raised, so that the counted attempt is
    committed.
    """
    check_login(request, vault, settings, csrf)
    checked_return(return_to)
    try:
        signed_in = await signing_in.with_code(phone, ticket_cookie(request), code, browser)
    except Problem as problem:
        return await _render(
            request,
            vault,
            settings,
            clock,
            clients,
            return_to,
            phone=phone,
            sent=CodeStep(again_at),
            message=problem.detail,
            status=problem.status,
        )
    response = RedirectResponse(return_to, 303, {"Cache-Control": "no-store"})
    keep_device(response, signed_in.device, secure=is_secure(settings))
    return keep_session(response, signed_in.session, settings)
