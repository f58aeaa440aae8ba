"""Build the task service for each request."""

from typing import Annotated

from fastapi import Depends

from office.tasks.service import Tasks
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _tasks(session: Session, clock: ServiceClock) -> Tasks:
    return Tasks(session, clock)


TaskService = Annotated[Tasks, Depends(_tasks)]
