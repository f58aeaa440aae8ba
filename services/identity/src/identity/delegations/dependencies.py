"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.delegations.service import Delegations
from identity.memberships.dependencies import MembershipService
from identity.revocations.dependencies import RevocationService
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _delegations(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    units: UnitService,
    memberships: MembershipService,
    revocations: RevocationService,
    audit: AuditService,
) -> Delegations:
    return Delegations(session, clock, accounts, units, memberships, revocations, audit)


DelegationService = Annotated[Delegations, Depends(_delegations)]
