"""Builds the feature's services: for one request, and for one transaction of the job."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.dependencies import AccountService
from identity.accounts.service import Accounts
from identity.audit.dependencies import AuditService
from identity.audit.service import AuditLog
from identity.clients.dependencies import ClientStateService
from identity.codes.service import Codes
from identity.delegations.service import Delegations
from identity.entitlements.dependencies import EntitlementService
from identity.entitlements.service import Entitlements
from identity.joining.rejections import Rejections
from identity.member_changes.dependencies import MemberChangesService
from identity.member_changes.service import MemberChanges
from identity.memberships.administrators import Administrators
from identity.memberships.dependencies import MembershipService
from identity.memberships.service import Memberships
from identity.platform.service import Platform
from identity.reorganisation.service import Reorganisation
from identity.reorganisation.settling import Settling
from identity.revocations.dependencies import RevocationService
from identity.revocations.service import Revocations
from identity.roles.service import Roles
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.units.dependencies import UnitService
from identity.units.service import Units
from identity.units.structure import UnitTree
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _reorganisation(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    units: UnitService,
    memberships: MembershipService,
    entitlements: EntitlementService,
    member_changes: MemberChangesService,
    revocations: RevocationService,
    audit: AuditService,
    clients: ClientStateService,
) -> Reorganisation:
    rejections = Rejections(session, clock)
    settling = Settling(
        session, clock, accounts, units, memberships, entitlements, member_changes, rejections, revocations
    )
    return Reorganisation(session, UnitTree(session, clock), units, settling, revocations, audit, clients)


ReorganisationService = Annotated[Reorganisation, Depends(_reorganisation)]


def settling_for(session: AsyncSession, clock: Clock, vault: Vault, settings: Settings) -> Settling:
    """Return the service for the job."""
    audit = AuditLog(session, clock)
    units = Units(session, clock, audit)
    accounts = Accounts(session, clock, vault, Codes(session, clock, vault), audit)
    revocations = Revocations(session, clock, settings.access_token_seconds)
    sessions = Sessions(session, clock, settings, revocations, audit)
    memberships = Memberships(session, clock, accounts, units, Platform(session), sessions, audit)
    entitlements = Entitlements(session, clock, memberships, revocations, audit)
    member_changes = MemberChanges(
        session,
        clock,
        accounts,
        units,
        Roles(session),
        memberships,
        Administrators(session),
        Delegations(session, clock, accounts, units, memberships, revocations, audit),
        entitlements,
        revocations,
        audit,
    )
    rejections = Rejections(session, clock)
    return Settling(
        session, clock, accounts, units, memberships, entitlements, member_changes, rejections, revocations
    )
