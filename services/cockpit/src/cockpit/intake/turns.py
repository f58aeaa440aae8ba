"""A fair order for batches that meet each other at the same units.

A comparison with the records that count takes seconds for a county and minutes for the country; a batch that
begins to count meanwhile makes it void. Whoever has met that asks for a turn: until it counts, or shows no
sign of life, later batches of the feed wait before their commit, which costs them no comparison.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.intake.errors import OthersTurn, RecordsBusy
from cockpit.intake.record_repository import RecordRepository
from servicekit.background import repeated
from servicekit.clock import Clock
from servicekit.db import Database

Alive = Callable[[], Awaitable[None]]

SILENT = timedelta(seconds=60)
"""A turn without a sign of life for so long is over."""
BEAT = timedelta(seconds=15)
"""Between signs of life."""
PAUSE = 0.25
LONGEST = timedelta(minutes=15)
"""A batch that has waited so long for others is refused; a job tries again."""


@contextlib.asynccontextmanager
async def kept_alive(alive: Alive) -> AsyncIterator[None]:
    """Call `alive` now and then while the store of facts works.

    A comparison of the country takes longer than a load, or a turn, may be without a sign of life.
    """
    beat = BEAT.total_seconds()
    async with repeated("cockpit.intake.alive", alive, every=beat, first=beat):
        yield


class Turns:
    """Give turns; one serves the whole process, and the table all processes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._said: dict[UUID, datetime] = {}

    async def ask(self, batch_id: UUID, feed: str) -> None:
        """Ask for a turn; who asks again keeps its place."""
        now = self._said[batch_id] = self._clock.now()
        async with self._database.transaction() as session:
            await RecordRepository(session).ask_turn(batch_id, feed, now)

    async def end(self, batch_id: UUID) -> None:
        """End the turn of a batch, if it has asked for one."""
        if self._said.pop(batch_id, None) is not None:
            async with self._database.transaction() as session:
                await RecordRepository(session).end_turn(batch_id, self._clock.now() - SILENT)

    async def check(self, session: AsyncSession, batch_id: UUID, feed: str) -> None:
        """Raise `OthersTurn` if another batch of the feed goes first."""
        if await RecordRepository(session).is_later(batch_id, feed, self._clock.now() - SILENT):
            raise OthersTurn

    async def wait(self, batch_id: UUID, feed: str, alive: Alive) -> None:
        """Wait until no other batch of the feed goes first. Raises `RecordsBusy`, and what `alive` does."""
        began = said = self._clock.now()
        while not await self._is_first(batch_id, feed):
            now = self._clock.now()
            if now - began > LONGEST:
                raise RecordsBusy
            if now - said > BEAT:
                said = now
                await alive()
            await asyncio.sleep(PAUSE)

    async def _is_first(self, batch_id: UUID, feed: str) -> bool:
        async with self._database.transaction() as session:
            later = await RecordRepository(session).is_later(batch_id, feed, self._clock.now() - SILENT)
        return not later

    async def stay(self, batch_id: UUID) -> None:
        """Show a sign of life of a batch that has asked for a turn, now and then."""
        now = self._clock.now()
        if batch_id in self._said and now - self._said[batch_id] >= BEAT:
            self._said[batch_id] = now
            async with self._database.transaction() as session:
                await RecordRepository(session).keep_turn(batch_id, now)
