"""Sign-in at the issuer with phone number and SMS code, in server-rendered forms."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from identity.accounts.rules import normalise_phone
from identity.codes import rules as code_rules
from identity.dependencies import ServiceSettings, ServiceVault
from identity.oauth.authorization.interaction import client_origin
from identity.pages.csrf import check_login, keep_login_cookie, login_cookie, login_token
from identity.pages.dependencies import Browser, checked_return, is_secure, keep_session
from identity.pages.rendering import page
from identity.signin.dependencies import SignInService
from servicekit.problems import Problem

router = APIRouter(include_in_schema=False)


def _render(
    request: Request,
    vault: ServiceVault,
    settings: ServiceSettings,
    return_to: str,
    *,
    phone: str = "",
    sent: bool = False,
    message: str = "",
    status: int = 200,
) -> Response:
    cookie = login_cookie(request)
    response = page(
        "login.html",
        status=status,
        form_action=client_origin(return_to),
        return_to=return_to,
        csrf=login_token(vault, cookie),
        phone=phone,
        sent=sent,
        message=message,
        resend_after=int(code_rules.RESEND_AFTER.total_seconds()),
    )
    keep_login_cookie(response, cookie, secure=is_secure(settings))
    return response


@router.get("/login")
async def login_page(
    request: Request,
    vault: ServiceVault,
    settings: ServiceSettings,
    return_to: Annotated[str, Query(max_length=8000)],
    login_hint: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show the sign-in form; prefill a `login_hint` that is a phone number (OpenID Connect Core §3.1.2.1)."""
    phone = normalise_phone(login_hint) or ""
    return _render(request, vault, settings, checked_return(return_to), phone=phone)


@router.post("/login/code")
async def send_code(
    request: Request,
    signing_in: SignInService,
    vault: ServiceVault,
    settings: ServiceSettings,
    return_to: Annotated[str, Form(max_length=8000)],
    csrf: Annotated[str, Form(max_length=128)],
    phone: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Send an SMS code; the page is the same for unregistered numbers."""
    check_login(request, vault, settings, csrf)
    checked_return(return_to)
    try:
        await signing_in.send_code(phone)
    except Problem as problem:
        return _render(
            request, vault, settings, return_to, phone=phone, message=problem.detail, status=problem.status
        )
    return _render(request, vault, settings, return_to, phone=phone, sent=True)


@router.post("/login")
async def sign_in(
    request: Request,
    signing_in: SignInService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    return_to: Annotated[str, Form(max_length=8000)],
    csrf: Annotated[str, Form(max_length=128)],
    phone: Annotated[str, Form(max_length=20)] = "",
    code: Annotated[str, Form(max_length=12)] = "",
) -> Response:
    """Verify the code, create a session and redirect to the client.

    An error is rendered, not raised, so that the counted attempt is committed.
    """
    check_login(request, vault, settings, csrf)
    checked_return(return_to)
    try:
        cookie = await signing_in.with_code(phone, code.strip(), browser)
    except Problem as problem:
        return _render(
            request,
            vault,
            settings,
            return_to,
            phone=phone,
            sent=True,
            message=problem.detail,
            status=problem.status,
        )
    response = RedirectResponse(return_to, 303, {"Cache-Control": "no-store"})
    return keep_session(response, cookie, settings)
