"""The person's security page: view, add, change and remove authenticators. Works without JavaScript, except
for adding passkeys.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from authkit import acr
from identity.accounts.dependencies import AccountService
from identity.authenticators import rules, totp
from identity.authenticators.dependencies import (
    Answer,
    AuthenticatorService,
    Raise,
    ReturnTo,
    Sent,
    Text,
    Ticket,
    redirect,
)
from identity.authenticators.errors import AuthenticatorProblem, PasswordUnfit
from identity.authenticators.service import Authenticators, Overview
from identity.dependencies import ServiceVault
from identity.oauth.authorization.interaction import client_origin
from identity.pages import csrf
from identity.pages.dependencies import SECURITY_PAGE, Browser, checked_return
from identity.pages.rendering import page
from identity.sessions.models import BrowserSession
from servicekit.dependencies import ServiceClock

router = APIRouter(prefix=SECURITY_PAGE, include_in_schema=False)
_TOTP = "totp-enrolment"
Back = Annotated[str, Query(max_length=8000)]


@router.get("")
async def own_authenticators(
    browser: Browser, authenticators: AuthenticatorService, vault: ServiceVault, clock: ServiceClock
) -> Response:
    """Show the authenticators. Change forms require a recent sign-in at the highest level."""
    if browser is None:
        return _sign_in()
    there = await authenticators.overview(browser.account_id)
    changes = authenticators.may_change(there.means, browser)
    password = there.password
    expires = None if password is None else password.changed_at + rules.PASSWORD_LIFETIME
    return page(
        "security.html",
        csrf=csrf.token_of(vault, browser),
        there=there,
        password_expires=expires,
        password_expired=expires is not None and clock.now() >= expires,
        passkeys=[
            {
                "id": one.id,
                "name": one.name,
                "added": one.added_at,
                "used": one.last_used_at,
            }
            for one in there.passkeys
        ],
        changes=changes,
        verify=_verify(there),
    )


@router.get("/password")
async def password_page(
    browser: Browser,
    authenticators: AuthenticatorService,
    vault: ServiceVault,
    return_to: Back = SECURITY_PAGE,
) -> Response:
    """Show the form for a new password."""
    checked_return(return_to)
    if browser is None or not await _may(authenticators, browser):
        return _elsewhere(return_to)
    return _password_page(csrf.token_of(vault, browser), return_to)


@router.post("/password")
async def set_password(
    sent: Sent,
    authenticators: AuthenticatorService,
    raising: Raise,
    password: Text = "",
    again: Text = "",
    return_to: ReturnTo = SECURITY_PAGE,
) -> Response:
    """Set or change the password. A change ends the person's other sessions.

    The session is raised to the password's level; its `auth_time` is unchanged.
    """
    checked_return(return_to)
    if not await _may(authenticators, sent.browser):
        return _elsewhere(return_to)
    try:
        if password != again:
            raise PasswordUnfit("两次输入的密码不一致。")
        await authenticators.set_password(sent.account, password, sent.browser)
    except AuthenticatorProblem as problem:
        return _password_page(sent.csrf, return_to, message=problem.detail, status=problem.status)
    level = max(acr.PASSWORD_SMS, sent.browser.acr, key=acr.rank)
    amr = rules.joined(sent.browser.amr, "pwd", "mfa")
    return await raising.onto(redirect(return_to), sent.browser, acr=level, amr=amr, authenticated=False)


@router.get("/totp")
async def totp_page(
    browser: Browser,
    authenticators: AuthenticatorService,
    accounts: AccountService,
    vault: ServiceVault,
    return_to: Back = SECURITY_PAGE,
) -> Response:
    """Show a new secret as text and QR code. It is stored only after confirmation."""
    checked_return(return_to)
    if browser is None or not await _may(authenticators, browser, without="totp"):
        return _elsewhere(return_to)
    account = await accounts.get(browser.account_id)
    token, secret = csrf.token_of(vault, browser), totp.new_secret()
    return page(
        "totp.html",
        csrf=token,
        return_to=return_to,
        secret=secret,
        picture=totp.picture(account, secret),
        ticket=authenticators.tickets(token).issue(_TOTP, secret=secret),
        message="",
    )


@router.post("/totp")
async def enrol_totp(
    sent: Sent,
    authenticators: AuthenticatorService,
    raising: Raise,
    ticket: Ticket,
    code: Text = "",
    return_to: ReturnTo = SECURITY_PAGE,
) -> Response:
    """Confirm the secret with a code. Raises the session to the TOTP level; its `auth_time` is unchanged."""
    checked_return(return_to)
    if not await _may(authenticators, sent.browser, without="totp"):
        return _elsewhere(return_to)
    secret = ""
    try:
        secret = authenticators.tickets(sent.csrf).open(ticket, _TOTP, rules.ENROLMENT)["secret"]
        codes = await authenticators.enrol_totp(sent.account, secret, code.strip())
    except AuthenticatorProblem as problem:
        return page(
            "totp.html",
            status=problem.status,
            csrf=sent.csrf,
            return_to=return_to,
            secret=secret,
            picture=totp.picture(sent.account, secret) if secret else "",
            ticket=ticket,
            message=problem.detail,
        )
    amr = rules.joined(sent.browser.amr, "otp", "mfa")
    response = _codes_page(codes, return_to)
    return await raising.onto(response, sent.browser, acr=acr.MFA, amr=amr, authenticated=False)


@router.post("/recovery-codes")
async def renew_recovery_codes(sent: Sent, authenticators: AuthenticatorService) -> Response:
    """Create new recovery codes and delete the old ones."""
    there = await authenticators.overview(sent.account.id)
    if there.totp is None or not authenticators.may_change(there.means, sent.browser):
        return _elsewhere()
    return _codes_page(await authenticators.renew_recovery_codes(sent.account), SECURITY_PAGE)


@router.get("/passkeys")
async def passkey_page(
    browser: Browser, authenticators: AuthenticatorService, accounts: AccountService, vault: ServiceVault
) -> Response:
    """Show the page whose script creates a passkey in the browser."""
    if browser is None or not await _may(authenticators, browser):
        return _elsewhere()
    account = await accounts.get(browser.account_id)
    token = csrf.token_of(vault, browser)
    try:
        ceremony = await authenticators.passkeys(token).registration(account)
    except AuthenticatorProblem as problem:
        return page("passkey_new.html", status=problem.status, message=problem.detail, ceremony=None)
    return page("passkey_new.html", scripts=True, csrf=token, ceremony=ceremony, message="")


@router.post("/passkeys")
async def add_passkey(
    sent: Sent, authenticators: AuthenticatorService, ticket: Ticket, credential: Answer = "", name: Text = ""
) -> Response:
    """Register the passkey that the browser created."""
    if not await _may(authenticators, sent.browser):
        return _elsewhere()
    try:
        await authenticators.add_passkey(sent.account, sent.csrf, name, ticket, credential)
    except AuthenticatorProblem as problem:
        authenticators.refused(sent.account.id, "passkey.not_added", problem.code)
        return page("passkey_new.html", status=problem.status, message=problem.detail, ceremony=None)
    return _elsewhere()


@router.post("/remove")
async def remove(
    sent: Sent,
    authenticators: AuthenticatorService,
    what: Annotated[Literal["password", "totp", "passkey"], Form()],
    passkey: Annotated[UUID | None, Form()] = None,
    confirmed: Text = "",
) -> Response:
    """Remove an authenticator and end the other sessions. The last strong one requires confirmation."""
    there = await authenticators.overview(sent.account.id)
    if not authenticators.may_change(there.means, sent.browser):
        return _elsewhere()
    if confirmed != "yes" and rules.is_last_strong(there.means, len(there.passkeys), what):
        return page("remove.html", csrf=sent.csrf, what=what, passkey=passkey or "", word=rules.WORDS[what])
    await authenticators.remove(sent.account, what, sent.browser, passkey)
    return _elsewhere()


async def _may(authenticators: Authenticators, browser: BrowserSession, *, without: str = "") -> bool:
    means = (await authenticators.overview(browser.account_id)).means
    return without not in means and authenticators.may_change(means, browser)


def _verify(there: Overview) -> str:
    """Redirect to a sign-in at the highest level that the person can reach."""
    if not there.means:
        return "/login?" + urlencode({"return_to": SECURITY_PAGE})
    return "/login/step-up?" + urlencode({"return_to": SECURITY_PAGE, "acr": rules.highest(there.means)})


def _sign_in() -> Response:
    return redirect("/login?" + urlencode({"return_to": SECURITY_PAGE}))


def _elsewhere(return_to: str = SECURITY_PAGE) -> Response:
    """Redirect a person who may not change authenticators now to the page that explains why."""
    return redirect(return_to)


def _password_page(token: str, return_to: str, *, message: str = "", status: int = 200) -> Response:
    values: dict[str, Any] = {"csrf": token, "return_to": return_to, "message": message}
    return page("password.html", status=status, form_action=client_origin(return_to), **values)


def _codes_page(codes: list[str], return_to: str) -> Response:
    return page("recovery_codes.html", status=201, codes=codes, return_to=return_to)
