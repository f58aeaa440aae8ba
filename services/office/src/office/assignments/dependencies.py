"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.assignments.service import Assignments
from office.directory.dependencies import UnitService
from office.notices.dependencies import NoticeService
from office.tasks.dependencies import TaskService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _assignments(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    notices: NoticeService,
    tasks: TaskService,
) -> Assignments:
    return Assignments(session, clock, units, notices, tasks)


AssignmentService = Annotated[Assignments, Depends(_assignments)]
