"""Runs calls of the synchronous protocol core on a lane or in a session; see `transactions`."""

import contextlib
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.util import greenlet_spawn

from identity.keys.ring import NoSigningKey
from identity.oauth.state.context import Context, Parts, entered
from identity.oauth.state.dependencies import make_context, make_context_on_lane
from servicekit.db import Database
from servicekit.lane_sessions import SessionNeeded

T = TypeVar("T")
Call = Callable[[Context], T]


async def on_lane(database: Database, parts: Parts, call: Call[T], *, single: bool = False) -> T:
    """Run a call on a lane, or again in a session if it needs one. `single`: it needs no transaction."""
    if parts.keys.remembered() is None:
        await _read_keys(database, parts)
    lanes = database.lanes
    try:
        async with lanes.single() if single else lanes.transaction() as lane:
            return await greenlet_spawn(_run, make_context_on_lane(lane, database, parts), call)
    except SessionNeeded:
        return await in_session(database, parts, call)


async def in_session(database: Database, parts: Parts, call: Call[T]) -> T:
    """Run a call in a session."""
    async with database.transaction() as session:
        context = make_context(session, parts)
        return await session.run_sync(lambda _: _run(context, call))


async def _read_keys(database: Database, parts: Parts) -> None:
    """Read the signing keys before locks are held: whoever waits for these may hold the whole pool."""
    with contextlib.suppress(NoSigningKey):
        async with database.transaction() as session:
            await session.run_sync(parts.keys.active)


def _run(context: Context, call: Call[T]) -> T:
    with entered(context):
        return call(context)
