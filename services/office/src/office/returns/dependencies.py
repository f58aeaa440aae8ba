"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.asking.dependencies import AskingService
from office.directory.dependencies import UnitService
from office.dispatches.dependencies import DispatchService
from office.notices.dependencies import NoticeService
from office.returns.service import Returns
from office.tasks.dependencies import TaskService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _returns(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    notices: NoticeService,
    dispatches: DispatchService,
    tasks: TaskService,
    asking: AskingService,
) -> Returns:
    return Returns(session, clock, units, notices, dispatches, tasks, asking)


ReturnService = Annotated[Returns, Depends(_returns)]
