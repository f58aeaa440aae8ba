"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.cells.dependencies import CellWriter
from cockpit.dependencies import FactStore
from cockpit.directory.dependencies import UnitService
from cockpit.individuals.service import IndividualRecords, Looks
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _looks(session: Session, clock: ServiceClock) -> Looks:
    return Looks(session, clock)


LookService = Annotated[Looks, Depends(_looks)]


async def _records(
    session: Session,
    looks: LookService,
    access: AccessService,
    units: UnitService,
    builder: CellWriter,
    analytics: FactStore,
) -> IndividualRecords:
    return IndividualRecords(session, looks, access, units, builder, analytics)


RecordService = Annotated[IndividualRecords, Depends(_records)]
