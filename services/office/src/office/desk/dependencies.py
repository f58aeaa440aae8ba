"""Build the service of a person's tasks for each request."""

from typing import Annotated

from fastapi import Depends

from office.desk.service import Desk
from office.dispatches.dependencies import DispatchService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _desk(session: Session, clock: ServiceClock, dispatches: DispatchService) -> Desk:
    return Desk(session, clock, dispatches)


DeskService = Annotated[Desk, Depends(_desk)]
