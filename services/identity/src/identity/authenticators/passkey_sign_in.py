"""Sign-in with a passkey only. The person enters no identifier, so the response reveals no account."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from authkit import acr
from contracts.vocabulary import AccountStatus
from identity.accounts.dependencies import AccountService
from identity.accounts.errors import AccountSuspended
from identity.authenticators.dependencies import (
    Answer,
    AuthenticatorService,
    ReturnTo,
    Ticket,
    Token,
)
from identity.authenticators.errors import AuthenticatorProblem
from identity.authenticators.service import Authenticators
from identity.clients.dependencies import NameService
from identity.clients.naming import Names
from identity.dependencies import ServiceSettings, ServiceVault
from identity.oauth.authorization.interaction import client_origin
from identity.oauth.authorization.systems import system_of
from identity.pages.csrf import check_login, keep_login_cookie, login_cookie, login_token
from identity.pages.dependencies import Browser, checked_return, is_secure, keep_session
from identity.pages.rendering import page, see_other
from identity.sessions.dependencies import SessionService
from servicekit.problems import Problem

router = APIRouter(prefix="/login/passkey", include_in_schema=False)


@router.get("")
async def passkey_page(
    request: Request,
    authenticators: AuthenticatorService,
    names: NameService,
    vault: ServiceVault,
    settings: ServiceSettings,
    return_to: Annotated[str, Query(max_length=8000)],
) -> Response:
    """Show the page whose script requests a passkey from the browser."""
    checked_return(return_to)
    cookie = login_cookie(request)
    return await _render(authenticators, names, vault, settings, cookie, return_to)


@router.post("")
async def sign_in(
    request: Request,
    authenticators: AuthenticatorService,
    accounts: AccountService,
    sessions: SessionService,
    names: NameService,
    browser: Browser,
    vault: ServiceVault,
    settings: ServiceSettings,
    token: Token,
    ticket: Ticket,
    return_to: ReturnTo,
    credential: Answer = "",
) -> Response:
    """Verify the assertion and create a session of the highest level."""
    check_login(request, vault, settings, token)
    checked_return(return_to)
    passkeys = authenticators.passkeys(token)
    owner = await passkeys.owner(credential)
    # Locked before the passkey, in the common lock order; a concurrent suspension waits.
    account = None if owner is None else await accounts.get(owner, lock=True)
    try:
        used = await passkeys.check(ticket, credential, owner, identified=False)
        assert account is not None
        if account.status != AccountStatus.ACTIVE:
            raise AccountSuspended.for_holder(await authenticators.helper_of(account.id))
    except (AuthenticatorProblem, AccountSuspended) as problem:
        if account is not None:
            await authenticators.refused(account.id, "sign_in.refused", problem.code)
        cookie = login_cookie(request)
        return await _render(authenticators, names, vault, settings, cookie, return_to, problem)
    _, cookie = await sessions.begin(account.id, browser, acr=acr.MFA, amr=used.amr)
    return keep_session(see_other(return_to), cookie, settings)


async def _render(
    authenticators: Authenticators,
    names: Names,
    vault: ServiceVault,
    settings: ServiceSettings,
    cookie: str,
    return_to: str,
    problem: Problem | None = None,
) -> Response:
    token = login_token(vault, cookie)
    response = page(
        "login/passkey.html",
        status=200 if problem is None else problem.status,
        form_action=client_origin(return_to),
        scripts=True,
        csrf=token,
        return_to=return_to,
        system=await system_of(names, return_to),
        ceremony=await authenticators.passkeys(token).assertion(None),
        message="" if problem is None else problem.detail,
    )
    keep_login_cookie(response, cookie, secure=is_secure(settings))
    return response
