"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.closing.service import Closing
from identity.entitlements.dependencies import EntitlementService
from identity.joining.dependencies import JoinService
from identity.memberships.dependencies import MembershipService
from identity.revocations.dependencies import RevocationService
from identity.units.dependencies import UnitService


async def _closing(
    units: UnitService,
    accounts: AccountService,
    memberships: MembershipService,
    entitlements: EntitlementService,
    joining: JoinService,
    revocations: RevocationService,
    audit: AuditService,
) -> Closing:
    return Closing(units, accounts, memberships, entitlements, joining, revocations, audit)


ClosingService = Annotated[Closing, Depends(_closing)]
