"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends, Request

from filekit.scan import Scanner
from identity.audit.dependencies import AuditService
from identity.unit_imports.service import UnitImports
from identity.units.dependencies import UnitService
from servicekit.db import Database, Session
from servicekit.dependencies import ServiceClock


async def _imports(
    session: Session, clock: ServiceClock, units: UnitService, audit: AuditService
) -> UnitImports:
    return UnitImports(session, clock, units, audit)


async def _scanner(request: Request) -> Scanner:
    scanner: Scanner = request.app.state.file_scanner
    return scanner


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


UnitImportService = Annotated[UnitImports, Depends(_imports)]
FileScanner = Annotated[Scanner, Depends(_scanner)]
ServiceDatabase = Annotated[Database, Depends(_database)]
