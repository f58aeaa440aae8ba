"""Services of a request on a lane (docs/adr/0034-lanes.md).

A service is built with the session of its request. For the few calls that come by the thousand it is built
with a `LaneSession` instead. What its repositories run with `runner_of(session)` then runs on the lane, and
`after_commit(session, call)` waits for the lane's commit. All else raises `SessionNeeded`: the lane is rolled
back, so it has changed nothing, and the call is made again in a session, where the same statements run.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Database, on_commit, release
from servicekit.lanes import InSession, Lane, Runner

T = TypeVar("T")


class SessionNeeded(Exception):
    """The call must be made again in a session; on the lane it has changed nothing."""


class LaneSession:
    """Stands for the session of a call on a lane."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane

    def __getattr__(self, name: str) -> Any:
        raise SessionNeeded(name)


def runner_of(session: AsyncSession) -> Runner:
    """Return what runs statements in the transaction of a call."""
    lane = lane_of(session)
    return InSession(session) if lane is None else lane


def lane_of(session: object) -> Lane | None:
    """Return the lane of a call, or None if it runs in a session."""
    return session.lane if isinstance(session, LaneSession) else None


def savepoint(session: AsyncSession) -> AbstractAsyncContextManager[object]:
    """Return a context that undoes what is done in it if it ends with an exception."""
    lane = lane_of(session)
    return session.begin_nested() if lane is None else lane.savepoint()


def after_commit(session: AsyncSession, call: Callable[[], None]) -> None:
    """Run `call` in this process after the transaction of a call has been committed."""
    lane = lane_of(session)
    if lane is None:
        on_commit(session, call)
    else:
        lane.on_commit(call)


async def keep(session: AsyncSession) -> None:
    """Commit now, so that what was done counts whatever becomes of the rest of the call."""
    lane = lane_of(session)
    if lane is None:
        await release(session)
    else:
        await lane.keep()


async def on_lane(database: Database, call: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Make a call in the transaction of a lane, or again in a session if it needs one.

    `call` must be repeatable: what it changes outside of the transaction waits for the commit.
    """
    try:
        async with database.lanes.transaction() as lane:
            return await call(cast(AsyncSession, LaneSession(lane)))
    except SessionNeeded:
        async with database.transaction() as session:
            return await call(session)
