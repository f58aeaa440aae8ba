"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.invites.dependencies import InviteService
from identity.joining.deadlines import Deadlines
from identity.joining.service import Joining
from identity.member_changes.dependencies import MemberChangesService
from identity.memberships.dependencies import AdministratorService, MembershipService
from identity.roles.dependencies import RoleService
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock
from workdays import Calendar, published_calendar

WorkCalendar = Annotated[Calendar, Depends(published_calendar)]
"""The published workdays."""


async def _joining(
    session: Session,
    clock: ServiceClock,
    calendar: WorkCalendar,
    accounts: AccountService,
    units: UnitService,
    roles: RoleService,
    memberships: MembershipService,
    administrators: AdministratorService,
    invites: InviteService,
    member_changes: MemberChangesService,
    audit: AuditService,
) -> Joining:
    deadlines = Deadlines(session, clock, calendar, units, administrators, audit)
    return Joining(
        session, clock, deadlines, accounts, units, roles, memberships, invites, member_changes, audit
    )


JoinService = Annotated[Joining, Depends(_joining)]
