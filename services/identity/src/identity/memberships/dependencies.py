"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.memberships.administrators import Administrators
from identity.memberships.service import Memberships
from identity.memberships.suspensions import Suspensions
from identity.platform.dependencies import PlatformService
from identity.sessions.dependencies import SessionService
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _administrators(session: Session) -> Administrators:
    return Administrators(session)


AdministratorService = Annotated[Administrators, Depends(_administrators)]


async def _memberships(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    units: UnitService,
    platform: PlatformService,
    sessions: SessionService,
    audit: AuditService,
) -> Memberships:
    return Memberships(session, clock, accounts, units, platform, sessions, audit)


MembershipService = Annotated[Memberships, Depends(_memberships)]


async def _suspensions(
    session: Session,
    accounts: AccountService,
    units: UnitService,
    memberships: MembershipService,
    sessions: SessionService,
    audit: AuditService,
) -> Suspensions:
    return Suspensions(session, accounts, units, memberships, sessions, audit)


SuspensionService = Annotated[Suspensions, Depends(_suspensions)]
