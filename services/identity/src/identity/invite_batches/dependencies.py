"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.dependencies import ServiceVault
from identity.invite_batches.service import InviteBatches
from identity.roles.dependencies import RoleService
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _batches(
    session: Session,
    clock: ServiceClock,
    vault: ServiceVault,
    units: UnitService,
    roles: RoleService,
    audit: AuditService,
) -> InviteBatches:
    return InviteBatches(session, clock, vault, units, roles, audit)


InviteBatchService = Annotated[InviteBatches, Depends(_batches)]
