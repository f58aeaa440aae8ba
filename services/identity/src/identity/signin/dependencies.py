"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.codes.dependencies import CodeSenderService, CodeService
from identity.sessions.dependencies import SessionService
from identity.signin.service import SignIn


async def _sign_in(
    accounts: AccountService,
    codes: CodeService,
    sender: CodeSenderService,
    sessions: SessionService,
    audit: AuditService,
) -> SignIn:
    return SignIn(accounts, codes, sender, sessions, audit)


SignInService = Annotated[SignIn, Depends(_sign_in)]
