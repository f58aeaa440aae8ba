"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.audit.dependencies import AuditService
from identity.units.service import Units
from identity.units.views import UnitViews
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _units(session: Session, clock: ServiceClock, audit: AuditService) -> Units:
    return Units(session, clock, audit)


UnitService = Annotated[Units, Depends(_units)]


async def _views(session: Session, clock: ServiceClock) -> UnitViews:
    return UnitViews(session, clock)


UnitViewService = Annotated[UnitViews, Depends(_views)]
