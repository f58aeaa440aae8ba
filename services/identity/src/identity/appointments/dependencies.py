"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.dependencies import AccountService
from identity.accounts.service import Accounts
from identity.appointments.service import Appointments
from identity.audit.dependencies import AuditService
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.joining.waiting import JoinsWaiting
from identity.memberships.dependencies import MembershipService
from identity.memberships.service import Memberships
from identity.platform.dependencies import PlatformService
from identity.platform.service import Platform
from identity.revocations.dependencies import RevocationService
from identity.revocations.service import Revocations
from identity.sessions.dependencies import SessionService
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.units.service import Units
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _appointments(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    platform: PlatformService,
    memberships: MembershipService,
    revocations: RevocationService,
    sessions: SessionService,
    audit: AuditService,
) -> Appointments:
    joins = JoinsWaiting(session)
    return Appointments(session, clock, accounts, platform, memberships, joins, revocations, sessions, audit)


def appointments_for(session: AsyncSession, clock: Clock, vault: Vault, settings: Settings) -> Appointments:
    """Return the service for a command."""
    audit = AuditLog(session, clock)
    accounts = Accounts(session, clock, vault, Codes(session, clock, vault), audit)
    units, platform = Units(session, clock, audit), Platform(session)
    revocations = Revocations(session, clock, settings.access_token_seconds)
    sessions = Sessions(session, clock, settings, revocations, audit)
    memberships = Memberships(session, clock, accounts, units, platform, sessions, audit)
    joins = JoinsWaiting(session)
    return Appointments(session, clock, accounts, platform, memberships, joins, revocations, sessions, audit)


AppointmentService = Annotated[Appointments, Depends(_appointments)]
