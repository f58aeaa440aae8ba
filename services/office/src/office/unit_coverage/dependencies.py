"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.coverage.dependencies import CoverageService
from office.directory.dependencies import UnitService
from office.dispatches.dependencies import DispatchService
from office.unit_coverage.service import UnitCoverages
from servicekit.db import Session


async def _unit_coverages(
    session: Session, units: UnitService, coverage: CoverageService, dispatches: DispatchService
) -> UnitCoverages:
    return UnitCoverages(session, units, coverage, dispatches)


UnitCoverageService = Annotated[UnitCoverages, Depends(_unit_coverages)]
