"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.numbers import NumberCodes
from identity.accounts.service import Accounts
from identity.audit.dependencies import AuditService
from identity.codes.dependencies import CodeSenderService, CodeService
from identity.dependencies import ServiceVault
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _accounts(
    session: Session, clock: ServiceClock, vault: ServiceVault, codes: CodeService, audit: AuditService
) -> Accounts:
    return Accounts(session, clock, vault, codes, audit)


AccountService = Annotated[Accounts, Depends(_accounts)]


async def _numbers(accounts: AccountService, sender: CodeSenderService) -> NumberCodes:
    return NumberCodes(accounts, sender)


NumberCodeService = Annotated[NumberCodes, Depends(_numbers)]
