"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.audit.dependencies import AuditService
from identity.delegations.dependencies import DelegationService
from identity.entitlements.dependencies import EntitlementService
from identity.member_changes.service import MemberChanges
from identity.memberships.dependencies import AdministratorService, MembershipService
from identity.revocations.dependencies import RevocationService
from identity.roles.dependencies import RoleService
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _member_changes(
    session: Session,
    clock: ServiceClock,
    accounts: AccountService,
    units: UnitService,
    roles: RoleService,
    memberships: MembershipService,
    administrators: AdministratorService,
    delegations: DelegationService,
    entitlements: EntitlementService,
    revocations: RevocationService,
    audit: AuditService,
) -> MemberChanges:
    return MemberChanges(
        session,
        clock,
        accounts,
        units,
        roles,
        memberships,
        administrators,
        delegations,
        entitlements,
        revocations,
        audit,
    )


MemberChangesService = Annotated[MemberChanges, Depends(_member_changes)]
