"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.dependencies import ServiceVault
from identity.policies.dependencies import PolicyService
from identity.verification.service import RealNames
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _real_names(
    request: Request,
    session: Session,
    clock: ServiceClock,
    vault: ServiceVault,
    accounts: AccountService,
    audit: AuditService,
    policies: PolicyService,
) -> RealNames:
    return RealNames(session, clock, vault, accounts, audit, request.app.state.real_names, policies)


RealNameService = Annotated[RealNames, Depends(_real_names)]
