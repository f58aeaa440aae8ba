"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.accounts.dependencies import AccountService
from identity.appointments.dependencies import AppointmentService
from identity.delegations.dependencies import DelegationService
from identity.entitlements.dependencies import EntitlementRequestService, EntitlementService
from identity.joining.dependencies import JoinService
from identity.me.service import Myself
from identity.me.waiting import Waiting
from identity.memberships.dependencies import MembershipService
from identity.phones.dependencies import RecoveryService
from identity.platform.dependencies import PlatformService
from identity.reminders.dependencies import AdministratorTextService
from identity.role_changes.dependencies import RoleChangeService
from identity.roles.dependencies import RoleService


async def _myself(
    accounts: AccountService,
    memberships: MembershipService,
    roles: RoleService,
    delegations: DelegationService,
    entitlements: EntitlementService,
    platform: PlatformService,
    texts: AdministratorTextService,
) -> Myself:
    return Myself(accounts, memberships, roles, delegations, entitlements, platform, texts)


async def _waiting(
    joining: JoinService,
    recoveries: RecoveryService,
    requests: EntitlementRequestService,
    entitlements: EntitlementService,
    role_changes: RoleChangeService,
    appointments: AppointmentService,
    platform: PlatformService,
) -> Waiting:
    return Waiting(joining, recoveries, requests, entitlements, role_changes, appointments, platform)


WaitingService = Annotated[Waiting, Depends(_waiting)]
MyselfService = Annotated[Myself, Depends(_myself)]
