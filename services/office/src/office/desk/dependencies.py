"""Build the service of a person's tasks for each request."""

from typing import Annotated

from fastapi import Depends

from office.addressing.dependencies import AddressingService
from office.desk.service import Desk
from office.directory.dependencies import AllowanceService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _desk(
    session: Session, clock: ServiceClock, addressing: AddressingService, allowances: AllowanceService
) -> Desk:
    return Desk(session, clock, addressing, allowances)


DeskService = Annotated[Desk, Depends(_desk)]
