"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.invites.dependencies import InviteService
from identity.joining.service import Joining
from identity.memberships.dependencies import MembershipService
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _joining(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    units: UnitService,
    memberships: MembershipService,
    invites: InviteService,
    audit: AuditService,
) -> Joining:
    return Joining(session, clock, accounts, units, memberships, invites, audit)


JoinService = Annotated[Joining, Depends(_joining)]
