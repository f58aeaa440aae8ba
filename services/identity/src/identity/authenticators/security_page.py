"""The person's security page: view, add, change and remove authenticators. Works without JavaScript, except
for adding passkeys.
"""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from authkit import acr
from identity.authenticators import rules, totp
from identity.authenticators.dependencies import (
    Answer,
    AuthenticatorService,
    Raise,
    ReturnTo,
    Text,
    Ticket,
)
from identity.authenticators.errors import AuthenticatorProblem, PasswordUnfit
from identity.authenticators.service import Authenticators, Overview
from identity.codes.rules import code_of
from identity.oauth.authorization.interaction import client_origin
from identity.pages.dependencies import SECURITY_PAGE, checked_return
from identity.pages.own import LockedOwnForm, Own, OwnPages
from identity.pages.rendering import see_other
from identity.sessions.models import BrowserSession
from servicekit.dependencies import ServiceClock

router = APIRouter(prefix=SECURITY_PAGE, include_in_schema=False)
CODES_PAGE = f"{SECURITY_PAGE}/recovery-codes"
_TOTP = "totp-enrolment"
Back = Annotated[str, Query(max_length=8000)]


@router.get("")
async def own_authenticators(own: Own, authenticators: AuthenticatorService, clock: ServiceClock) -> Response:
    """Show the authenticators. Change forms require a recent sign-in at the highest level."""
    there = await authenticators.overview(own.account.id)
    password = there.password
    expires = authenticators.password_expires(password)
    return own.show(
        "account/security.html",
        there=there,
        password_expires=expires,
        password_expired=expires is not None and clock.now() >= expires,
        passkeys=[
            {"id": one.id, "name": one.name, "added": one.added_at, "used": one.last_used_at}
            for one in there.passkeys
        ],
        changes=authenticators.may_change(there.means, own.browser),
        verify=_verify(there),
    )


@router.get("/password")
async def password_page(
    own: Own, authenticators: AuthenticatorService, return_to: Back = SECURITY_PAGE
) -> Response:
    """Show the form for a new password."""
    checked_return(return_to)
    if not await _may(authenticators, own.browser):
        return see_other(return_to)
    return _password_page(own, return_to)


@router.post("/password")
async def set_password(
    form: LockedOwnForm,
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
    if not await _may(authenticators, form.browser):
        return see_other(return_to)
    try:
        if password != again:
            raise PasswordUnfit("两次输入的密码不一致。")
        await authenticators.set_password(form.account, password, form.browser)
    except AuthenticatorProblem as problem:
        return _password_page(form, return_to, message=problem.detail, status=problem.status)
    level = max(acr.PASSWORD_SMS, form.browser.acr, key=acr.rank)
    amr = rules.joined(form.browser.amr, "pwd", "mfa")
    done = form.go(return_to, "密码已保存。")
    return await raising.onto(done, form.browser, acr=level, amr=amr, authenticated=False)


@router.get("/totp")
async def totp_page(
    own: Own, authenticators: AuthenticatorService, return_to: Back = SECURITY_PAGE
) -> Response:
    """Show a new secret as text and QR code. It is stored only after confirmation."""
    checked_return(return_to)
    if not await _may(authenticators, own.browser, without="totp"):
        return see_other(return_to)
    secret = totp.new_secret()
    return own.show(
        "account/totp.html",
        here=SECURITY_PAGE,
        return_to=return_to,
        secret=secret,
        picture=totp.picture(own.account, secret),
        ticket=authenticators.tickets(own.csrf).issue(_TOTP, secret=secret),
        message="",
    )


@router.post("/totp")
async def enrol_totp(
    form: LockedOwnForm,
    authenticators: AuthenticatorService,
    raising: Raise,
    ticket: Ticket,
    code: Text = "",
    return_to: ReturnTo = SECURITY_PAGE,
) -> Response:
    """Confirm the secret with a code, and lead to the recovery codes.

    Raises the session to the TOTP level; its `auth_time` is unchanged.
    """
    checked_return(return_to)
    if not await _may(authenticators, form.browser, without="totp"):
        return see_other(return_to)
    secret = ""
    try:
        secret = authenticators.tickets(form.csrf).open(ticket, _TOTP, rules.ENROLMENT)["secret"]
        codes = await authenticators.enrol_totp(form.account, secret, code_of(code) or "")
    except AuthenticatorProblem as problem:
        return form.show(
            "account/totp.html",
            here=SECURITY_PAGE,
            status=problem.status,
            return_to=return_to,
            secret=secret,
            picture=totp.picture(form.account, secret) if secret else "",
            ticket=ticket,
            message=problem.detail,
        )
    amr = rules.joined(form.browser.amr, "otp", "mfa")
    response = _to_codes(form, codes, return_to, "动态口令已设置。")
    return await raising.onto(response, form.browser, acr=acr.MFA, amr=amr, authenticated=False)


@router.post("/recovery-codes")
async def renew_recovery_codes(form: LockedOwnForm, authenticators: AuthenticatorService) -> Response:
    """Create new recovery codes, delete the old ones, and lead to the new ones."""
    there = await authenticators.overview(form.account.id)
    if there.totp is None or not authenticators.may_change(there.means, form.browser):
        return see_other(SECURITY_PAGE)
    codes = await authenticators.renew_recovery_codes(form.account)
    return _to_codes(form, codes, SECURITY_PAGE, "恢复码已重新生成，原恢复码已失效。")


@router.get("/recovery-codes")
async def recovery_codes(own: Own, return_to: Back = SECURITY_PAGE) -> Response:
    """Show new recovery codes once; afterwards, that they were shown."""
    checked_return(return_to)
    return own.show(
        "account/recovery_codes.html",
        here=SECURITY_PAGE,
        scripts=True,
        codes=own.taken("codes").split(),
        return_to=return_to,
    )


@router.get("/passkeys")
async def passkey_page(own: Own, authenticators: AuthenticatorService) -> Response:
    """Show the page whose script creates a passkey in the browser."""
    if not await _may(authenticators, own.browser):
        return see_other(SECURITY_PAGE)
    try:
        ceremony = await authenticators.passkeys(own.csrf).registration(own.account)
    except AuthenticatorProblem as problem:
        return _passkey_refused(own, problem)
    return own.show(
        "account/passkey_new.html", here=SECURITY_PAGE, scripts=True, ceremony=ceremony, message=""
    )


@router.post("/passkeys")
async def add_passkey(
    form: LockedOwnForm,
    authenticators: AuthenticatorService,
    ticket: Ticket,
    credential: Answer = "",
    name: Text = "",
) -> Response:
    """Register the passkey that the browser created."""
    if not await _may(authenticators, form.browser):
        return see_other(SECURITY_PAGE)
    try:
        await authenticators.add_passkey(form.account, form.csrf, name, ticket, credential)
    except AuthenticatorProblem as problem:
        await authenticators.refused(form.account.id, "passkey.not_added", problem.code)
        return _passkey_refused(form, problem)
    return form.go(SECURITY_PAGE, "通行密钥已添加。")


@router.post("/remove")
async def remove(
    form: LockedOwnForm,
    authenticators: AuthenticatorService,
    what: Annotated[Literal["password", "totp", "passkey"], Form()],
    passkey: Annotated[UUID | None, Form()] = None,
    confirmed: Text = "",
) -> Response:
    """Remove an authenticator, after asking, and end the other sessions."""
    there = await authenticators.overview(form.account.id)
    if not authenticators.may_change(there.means, form.browser):
        return see_other(SECURITY_PAGE)
    word = rules.WORDS[what]
    if confirmed != "yes":
        return form.show(
            "account/remove.html",
            here=SECURITY_PAGE,
            what=what,
            passkey=passkey or "",
            word=word,
            last=rules.is_last_strong(there.means, len(there.passkeys), what),
        )
    await authenticators.remove(form.account, what, form.browser, passkey)
    return form.go(SECURITY_PAGE, f"{word}已移除。")


async def _may(authenticators: Authenticators, browser: BrowserSession, *, without: str = "") -> bool:
    """Whether the person may change authenticators now; the page they are led to otherwise says why not."""
    means = (await authenticators.overview(browser.account_id)).means
    return without not in means and authenticators.may_change(means, browser)


def _verify(there: Overview) -> str:
    """Return the address of a sign-in at the highest level that the person can reach."""
    if not there.means:
        return "/login?" + urlencode({"return_to": SECURITY_PAGE})
    return "/login/step-up?" + urlencode({"return_to": SECURITY_PAGE, "acr": rules.highest(there.means)})


def _password_page(own: OwnPages, return_to: str, *, message: str = "", status: int = 200) -> Response:
    return own.show(
        "account/password.html",
        here=SECURITY_PAGE,
        status=status,
        form_action=client_origin(return_to),
        return_to=return_to,
        message=message,
    )


def _passkey_refused(own: OwnPages, problem: AuthenticatorProblem) -> Response:
    return own.show(
        "account/passkey_new.html",
        here=SECURITY_PAGE,
        status=problem.status,
        message=problem.detail,
        ceremony=None,
    )


def _to_codes(form: OwnPages, codes: list[str], return_to: str, notice: str) -> Response:
    # Not in the cookie, which has no room for an authorization request.
    path = f"{CODES_PAGE}?{urlencode({'return_to': return_to})}"
    return form.go(path, notice, codes=" ".join(codes))
