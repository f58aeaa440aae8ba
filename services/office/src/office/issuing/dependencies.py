"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.addressing.dependencies import AddressingService
from office.asking.dependencies import AskingService
from office.directory.dependencies import UnitService
from office.dispatches.dependencies import DispatchService
from office.issuing.service import Issuing
from office.notices.dependencies import NoticeService
from office.numbering.dependencies import NumberingService
from office.tasks.dependencies import TaskService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _issuing(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    addressing: AddressingService,
    dispatches: DispatchService,
    numbering: NumberingService,
    notices: NoticeService,
    tasks: TaskService,
    asking: AskingService,
) -> Issuing:
    return Issuing(session, clock, units, addressing, dispatches, numbering, notices, tasks, asking)


IssuingService = Annotated[Issuing, Depends(_issuing)]
