"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.delegations.service import Delegations
from identity.delegations.standing import Standings
from identity.memberships.dependencies import MembershipService
from identity.revocations.dependencies import RevocationService
from identity.roles.service import Roles
from identity.units.dependencies import UnitService
from servicekit.clock import Clock
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


def standings_for(session: AsyncSession, clock: Clock) -> Standings:
    """Return the standing of people for one transaction of a job."""
    return Standings(session, clock, Roles(session))


DelegationService = Annotated[Delegations, Depends(_delegations)]
