"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.dependencies import ServiceVault
from identity.memberships.dependencies import MembershipService
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
    memberships: MembershipService,
) -> RealNames:
    provider = request.app.state.real_names
    return RealNames(session, clock, vault, accounts, audit, provider, policies, memberships)


RealNameService = Annotated[RealNames, Depends(_real_names)]
