"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.entitlements.dependencies import EntitlementService
from identity.joining.dependencies import JoinService
from identity.memberships.dependencies import MembershipService
from identity.reorganisation.service import Reorganisation
from identity.revocations.dependencies import RevocationService
from identity.units.structure import UnitTree
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _reorganisation(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    memberships: MembershipService,
    entitlements: EntitlementService,
    joining: JoinService,
    revocations: RevocationService,
    audit: AuditService,
) -> Reorganisation:
    tree = UnitTree(session, clock)
    return Reorganisation(session, tree, accounts, memberships, entitlements, joining, revocations, audit)


ReorganisationService = Annotated[Reorganisation, Depends(_reorganisation)]
