"""The feature's service, built for one request, and what its pages have in common."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from identity.accounts.dependencies import AccountService
from identity.accounts.models import Account
from identity.audit.dependencies import AuditService
from identity.authenticators.service import Authenticators
from identity.dependencies import ServiceSettings, ServiceVault
from identity.pages import csrf
from identity.pages.dependencies import Browser, keep_session
from identity.sessions.dependencies import SessionService
from identity.sessions.models import BrowserSession
from identity.sms.dependencies import MessageService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _authenticators(
    session: Session,
    clock: ServiceClock,
    vault: ServiceVault,
    settings: ServiceSettings,
    messages: MessageService,
    sessions: SessionService,
    audit: AuditService,
) -> Authenticators:
    return Authenticators(session, clock, vault, settings, messages, sessions, audit)


AuthenticatorService = Annotated[Authenticators, Depends(_authenticators)]
Token = Annotated[str, Form(max_length=128, alias="csrf")]
Text = Annotated[str, Form(max_length=300)]
Ticket = Annotated[str, Form(max_length=2000)]
Answer = Annotated[str, Form(max_length=20_000)]
ReturnTo = Annotated[str, Form(max_length=8000)]


@dataclass(frozen=True)
class SentForm:
    """A form that the signed-in person has sent from one of our pages."""

    browser: BrowserSession
    account: Account
    csrf: str
    """For the next page, and what tickets of this browser are bound to."""


async def _sent(
    request: Request,
    browser: Browser,
    accounts: AccountService,
    vault: ServiceVault,
    settings: ServiceSettings,
    token: Token,
) -> SentForm:
    mine = csrf.check(request, vault, settings, browser, token)
    # Locked: two forms of one person that change their authenticators wait for each other.
    account = await accounts.get(mine.account_id, lock=True)
    return SentForm(mine, account, token)


Sent = Annotated[SentForm, Depends(_sent)]


class Raising:
    """Raises the level of a session and sets its new cookie."""

    def __init__(self, sessions: SessionService, settings: ServiceSettings) -> None:
        self._sessions = sessions
        self._settings = settings

    async def onto(
        self,
        response: Response,
        browser: BrowserSession,
        *,
        acr: str,
        amr: list[str],
        authenticated: bool = True,
    ) -> Response:
        """`response` with the cookie of the raised session; to the sign-in if it has ended meanwhile.

        `authenticated` as in `Sessions.step_up`.
        """
        cookie = await self._sessions.step_up(browser, acr=acr, amr=amr, authenticated=authenticated)
        if cookie is None:
            return redirect("/login?return_to=/account/security")
        return keep_session(response, cookie, self._settings)


Raise = Annotated[Raising, Depends()]


def redirect(url: str) -> Response:
    """On to a page, by GET."""
    return RedirectResponse(url, 303, {"Cache-Control": "no-store"})
