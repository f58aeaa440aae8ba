"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.addressing.dependencies import AddressingService
from office.directory.dependencies import UnitService
from office.dispatches.dependencies import DispatchService
from office.notices.service import Notices
from office.numbering.dependencies import NumberingService
from office.tasks.dependencies import TaskService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _notices(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    addressing: AddressingService,
    dispatches: DispatchService,
    numbering: NumberingService,
    tasks: TaskService,
) -> Notices:
    return Notices(session, clock, units, addressing, dispatches, numbering, tasks)


NoticeService = Annotated[Notices, Depends(_notices)]
