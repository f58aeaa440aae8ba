"""Builds the feature's service for one request, and shared dependencies of its pages."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import Response

from identity.accounts.dependencies import AccountService
from identity.accounts.models import Account
from identity.audit.dependencies import AuditService
from identity.authenticators.service import Authenticators
from identity.codes.dependencies import FailureService
from identity.dependencies import ServiceSettings, ServiceVault
from identity.pages import csrf
from identity.pages.dependencies import Browser, keep_session
from identity.pages.rendering import see_other
from identity.platform.dependencies import PlatformService
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
    platform: PlatformService,
    audit: AuditService,
    failures: FailureService,
) -> Authenticators:
    return Authenticators(session, clock, vault, settings, messages, sessions, platform, audit, failures)


AuthenticatorService = Annotated[Authenticators, Depends(_authenticators)]
Token = Annotated[str, Form(max_length=128, alias="csrf")]
Text = Annotated[str, Form(max_length=300)]
Ticket = Annotated[str, Form(max_length=2000)]
Answer = Annotated[str, Form(max_length=20_000)]
ReturnTo = Annotated[str, Form(max_length=8000)]


@dataclass(frozen=True)
class SentForm:
    """A form submitted by the signed-in person from a page of the issuer."""

    browser: BrowserSession
    account: Account
    csrf: str
    """The binding for the next page and for tickets of this browser."""


async def _sent(
    request: Request,
    browser: Browser,
    accounts: AccountService,
    vault: ServiceVault,
    settings: ServiceSettings,
    token: Token,
) -> SentForm:
    mine = csrf.check(request, vault, settings, browser, token)
    # Locked, so that concurrent forms that change a person's authenticators run one after another.
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
        """Return `response` with the cookie of the raised session, or redirect to sign-in if the session has
        ended.

        `authenticated` as in `Sessions.step_up`.
        """
        cookie = await self._sessions.step_up(browser, acr=acr, amr=amr, authenticated=authenticated)
        if cookie is None:
            return see_other("/login?return_to=/account/security")
        return keep_session(response, cookie, self._settings)


Raise = Annotated[Raising, Depends()]
