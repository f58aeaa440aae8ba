"""Builds the feature's service for one request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.codes.dependencies import CodeSenderService, CodeService
from identity.dependencies import ServiceSettings
from identity.platform.dependencies import PlatformService
from identity.registration.dependencies import RegistrationService
from identity.sessions.dependencies import SessionService
from identity.sessions.service import Sessions
from identity.signin.forms import CodeForms, Forms
from identity.signin.service import SignIn
from identity.sms.dependencies import MessageService
from servicekit.dependencies import ServiceClock


async def _sign_in(
    clock: ServiceClock,
    settings: ServiceSettings,
    messages: MessageService,
    accounts: AccountService,
    codes: CodeService,
    sender: CodeSenderService,
    sessions: SessionService,
    registrations: RegistrationService,
    platform: PlatformService,
    audit: AuditService,
) -> SignIn:
    return SignIn(
        clock, settings, accounts, codes, sender, sessions, messages, registrations, platform, audit
    )


SignInService = Annotated[SignIn, Depends(_sign_in)]


@dataclass(frozen=True)
class SigningIn:
    """What verifies a code on the sign-in page."""

    forms: CodeForms
    sign_in: SignIn
    sessions: Sessions


async def signing_in(forms: Forms, service: SignInService, sessions: SessionService) -> SigningIn:
    """Return the services of one request."""
    return SigningIn(forms, service, sessions)
