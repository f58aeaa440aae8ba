"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.delegations.dependencies import DelegationService
from identity.entitlements.dependencies import EntitlementService
from identity.me.service import Myself
from identity.memberships.dependencies import MembershipService
from identity.platform.dependencies import PlatformService
from identity.roles.dependencies import RoleService


async def _myself(
    accounts: AccountService,
    memberships: MembershipService,
    roles: RoleService,
    delegations: DelegationService,
    entitlements: EntitlementService,
    platform: PlatformService,
) -> Myself:
    return Myself(accounts, memberships, roles, delegations, entitlements, platform)


MyselfService = Annotated[Myself, Depends(_myself)]
