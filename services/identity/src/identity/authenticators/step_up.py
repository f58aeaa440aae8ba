"""Step-up page: raises a session to the requested level."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from authkit import acr as levels
from identity.authenticators import rules
from identity.authenticators.dependencies import (
    Answer,
    AuthenticatorService,
    Raise,
    ReturnTo,
    Sent,
    Text,
    Ticket,
)
from identity.authenticators.errors import AuthenticatorProblem, PasswordExpired, PasswordUnfit, SmsFirst
from identity.authenticators.service import Authenticators
from identity.clients.dependencies import NameService
from identity.clients.naming import Names
from identity.dependencies import ServiceVault
from identity.oauth.authorization.interaction import client_origin
from identity.oauth.authorization.systems import system_of
from identity.pages import csrf
from identity.pages.dependencies import Browser, checked_return
from identity.pages.rendering import page, see_other
from identity.sessions.models import BrowserSession
from servicekit.clock import Clock
from servicekit.dependencies import ServiceClock

router = APIRouter(prefix="/login/step-up", include_in_schema=False)
Level = Annotated[str, Query(max_length=100)]


@router.get("")
async def step_up_page(
    browser: Browser,
    authenticators: AuthenticatorService,
    clock: ServiceClock,
    names: NameService,
    vault: ServiceVault,
    return_to: Annotated[str, Query(max_length=8000)],
    acr: Level = levels.MFA,
) -> Response:
    """Show the ways to reach a level. `acr` affects the page only; the `return_to` endpoint enforces the
    level.
    """
    checked_return(return_to)
    if browser is None:
        return see_other("/login?" + urlencode({"return_to": return_to}))
    return await _render(authenticators, clock, names, browser, csrf.token_of(vault, browser), return_to, acr)


@router.post("/password")
async def with_password(
    sent: Sent,
    authenticators: AuthenticatorService,
    clock: ServiceClock,
    names: NameService,
    raising: Raise,
    return_to: ReturnTo,
    acr: Text = levels.MFA,
    password: Text = "",
    new_password: Text = "",
    again: Text = "",
) -> Response:
    """Verify a password with a recent SMS code. A 90-day-old password is accepted only with a new one."""
    checked_return(return_to)
    try:
        _after_sms(sent.browser, clock)
        try:
            await authenticators.passwords.check(sent.account, password)
        except PasswordExpired:
            if not new_password:
                raise
            if new_password != again:
                raise PasswordUnfit("两次输入的新密码不一致。") from None
            await authenticators.set_password(sent.account, new_password, sent.browser)
    except AuthenticatorProblem as problem:
        await authenticators.refused(sent.account.id, "password.refused", problem.code)
        expired = bool(new_password) or isinstance(problem, PasswordExpired)
        return await _render(
            authenticators, clock, names, sent.browser, sent.csrf, return_to, acr, problem, expired=expired
        )
    # Not the session's own level if higher: `auth_time` would then cover more than was verified.
    amr = rules.joined(sent.browser.amr, "pwd", "mfa")
    return await raising.onto(see_other(return_to), sent.browser, acr=levels.PASSWORD_SMS, amr=amr)


@router.post("/code")
async def with_code(
    sent: Sent,
    authenticators: AuthenticatorService,
    clock: ServiceClock,
    names: NameService,
    raising: Raise,
    return_to: ReturnTo,
    acr: Text = levels.MFA,
    code: Text = "",
) -> Response:
    """Verify a TOTP code or recovery code with a recent SMS code."""
    checked_return(return_to)
    try:
        _after_sms(sent.browser, clock)
        await authenticators.check_totp(sent.account, code)
    except AuthenticatorProblem as problem:
        await authenticators.refused(sent.account.id, "totp.refused", problem.code)
        return await _render(authenticators, clock, names, sent.browser, sent.csrf, return_to, acr, problem)
    amr = rules.joined(sent.browser.amr, "otp", "mfa")
    return await raising.onto(see_other(return_to), sent.browser, acr=levels.MFA, amr=amr)


@router.post("/passkey")
async def with_passkey(
    sent: Sent,
    authenticators: AuthenticatorService,
    clock: ServiceClock,
    names: NameService,
    raising: Raise,
    return_to: ReturnTo,
    ticket: Ticket,
    acr: Text = levels.MFA,
    credential: Answer = "",
) -> Response:
    """Verify a passkey of the signed-in person. No other method is required."""
    checked_return(return_to)
    try:
        used = await authenticators.passkeys(sent.csrf).check(ticket, credential, sent.account.id)
    except AuthenticatorProblem as problem:
        await authenticators.refused(sent.account.id, "passkey.refused", problem.code)
        return await _render(authenticators, clock, names, sent.browser, sent.csrf, return_to, acr, problem)
    return await raising.onto(see_other(return_to), sent.browser, acr=levels.MFA, amr=used.amr)


def _after_sms(browser: BrowserSession, clock: Clock) -> None:
    if not rules.sms_fresh(browser.amr, browser.begun_at, clock.now()):
        raise SmsFirst


async def _render(
    authenticators: Authenticators,
    clock: Clock,
    names: Names,
    browser: BrowserSession,
    token: str,
    return_to: str,
    acr: str,
    problem: AuthenticatorProblem | None = None,
    *,
    expired: bool = False,
) -> Response:
    need = acr if levels.known(acr) else levels.MFA
    there = await authenticators.overview(browser.account_id)
    offers = rules.offers(
        need,
        there.means,
        fresh_sms=rules.sms_fresh(browser.amr, browser.begun_at, clock.now()),
        changes=authenticators.may_change(there.means, browser),
    )
    ceremony = await authenticators.passkeys(token).assertion(browser.account_id) if offers.passkey else None
    return page(
        "login/step_up.html",
        status=200 if problem is None else problem.status,
        form_action=client_origin(return_to),
        scripts=offers.passkey,
        csrf=token,
        return_to=return_to,
        system=await system_of(names, return_to),
        back=urlencode({"return_to": return_to}),
        acr=need,
        offers=offers,
        password_enough=need == levels.PASSWORD_SMS,
        ceremony=ceremony,
        for_client=return_to.startswith("/authorize?"),
        expired=expired,
        message="" if problem is None else problem.detail,
    )
