"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.cells.dependencies import CellService, CellWriter
from cockpit.dependencies import FactStore
from cockpit.directory.dependencies import UnitService
from cockpit.intake.dependencies import BatchService
from cockpit.overview.service import Overviews
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _overviews(
    session: Session,
    clock: ServiceClock,
    access: AccessService,
    units: UnitService,
    cells: CellService,
    builder: CellWriter,
    batches: BatchService,
    analytics: FactStore,
) -> Overviews:
    return Overviews(session, clock, access, units, cells, builder, batches, analytics)


OverviewService = Annotated[Overviews, Depends(_overviews)]
