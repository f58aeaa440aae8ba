"""Build the service of a person's tasks for each request."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from office.addressing.dependencies import AddressingService
from office.desk.lists import TaskLists
from office.desk.service import Desk
from office.directory.dependencies import AllowanceService
from servicekit.clock import Clock
from servicekit.db import Session
from servicekit.dependencies import ServiceClock
from servicekit.lanes import InSession, RequestLane


async def _desk(
    session: Session, clock: ServiceClock, addressing: AddressingService, allowances: AllowanceService
) -> Desk:
    return Desk(session, clock, addressing, allowances)


DeskService = Annotated[Desk, Depends(_desk)]


async def _lists(lane: RequestLane, clock: ServiceClock) -> TaskLists:
    return TaskLists(lane, clock)


ListService = Annotated[TaskLists, Depends(_lists)]


def lists_in(session: AsyncSession, clock: Clock) -> TaskLists:
    """Return the lists in a session, for the counts of connected browsers."""
    return TaskLists(InSession(session), clock)
