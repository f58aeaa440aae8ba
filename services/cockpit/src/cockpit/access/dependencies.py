"""Check reach within the request's transaction."""

from typing import Annotated

from fastapi import Depends

from cockpit.access.service import Access
from cockpit.directory.dependencies import UnitService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _access(session: Session, clock: ServiceClock, units: UnitService) -> Access:
    return Access(session, clock, units)


AccessService = Annotated[Access, Depends(_access)]
