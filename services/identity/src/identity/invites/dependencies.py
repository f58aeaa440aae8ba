"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.dependencies import ServiceVault
from identity.invites.service import Invites
from identity.roles.dependencies import RoleService
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _invites(
    session: Session,
    clock: ServiceClock,
    vault: ServiceVault,
    units: UnitService,
    roles: RoleService,
    audit: AuditService,
) -> Invites:
    return Invites(session, clock, vault, units, roles, audit)


InviteService = Annotated[Invites, Depends(_invites)]
