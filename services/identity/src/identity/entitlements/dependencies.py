"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.entitlements.requests import EntitlementRequests
from identity.entitlements.service import Entitlements
from identity.memberships.dependencies import MembershipService
from identity.revocations.dependencies import RevocationService
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _entitlements(
    session: Session,
    clock: ServiceClock,
    memberships: MembershipService,
    revocations: RevocationService,
    audit: AuditService,
) -> Entitlements:
    return Entitlements(session, clock, memberships, revocations, audit)


EntitlementService = Annotated[Entitlements, Depends(_entitlements)]


async def _requests(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    units: UnitService,
    memberships: MembershipService,
    entitlements: EntitlementService,
    audit: AuditService,
) -> EntitlementRequests:
    return EntitlementRequests(session, clock, accounts, units, memberships, entitlements, audit)


EntitlementRequestService = Annotated[EntitlementRequests, Depends(_requests)]
