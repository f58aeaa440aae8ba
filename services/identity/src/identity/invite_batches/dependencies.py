"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from filekit.scan import Scanner
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


async def _scanner(request: Request) -> Scanner:
    scanner: Scanner = request.app.state.file_scanner
    return scanner


InviteBatchService = Annotated[InviteBatches, Depends(_batches)]
FileScanner = Annotated[Scanner, Depends(_scanner)]
