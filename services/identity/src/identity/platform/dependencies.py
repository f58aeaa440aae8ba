"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.platform.service import Platform
from identity.revocations.dependencies import RevocationService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _platform(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    revocations: RevocationService,
    audit: AuditService,
) -> Platform:
    return Platform(session, clock, accounts, revocations, audit)


PlatformService = Annotated[Platform, Depends(_platform)]
