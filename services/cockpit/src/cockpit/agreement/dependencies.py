"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.dependencies import AccessService
from cockpit.agreement.service import Inconsistencies
from cockpit.cells.dependencies import CellWriter
from cockpit.dependencies import FactStore
from cockpit.directory.dependencies import UnitService
from cockpit.disclosure.dependencies import DisclosureService
from cockpit.individuals.dependencies import LookService
from cockpit.intake.agreement import Agreement
from cockpit.intake.dependencies import BatchService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _inconsistencies(
    session: Session,
    clock: ServiceClock,
    looks: LookService,
    access: AccessService,
    units: UnitService,
    batches: BatchService,
    builder: CellWriter,
    analytics: FactStore,
    disclosure: DisclosureService,
) -> Inconsistencies:
    agreement = Agreement(analytics, answer=True)
    return Inconsistencies(session, clock, looks, access, units, batches, builder, agreement, disclosure)


InconsistencyService = Annotated[Inconsistencies, Depends(_inconsistencies)]
