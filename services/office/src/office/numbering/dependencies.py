"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.directory.dependencies import UnitService
from office.numbering.service import Numbering
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _numbering(session: Session, clock: ServiceClock, units: UnitService) -> Numbering:
    return Numbering(session, clock, units)


NumberingService = Annotated[Numbering, Depends(_numbering)]
