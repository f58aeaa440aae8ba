"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.unit_imports.report import Report
from identity.unit_imports.service import UnitImports
from identity.units.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock, ServiceDatabase


async def _imports(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    audit: AuditService,
    database: ServiceDatabase,
) -> UnitImports:
    return UnitImports(session, clock, units, Report(database), audit)


UnitImportService = Annotated[UnitImports, Depends(_imports)]
