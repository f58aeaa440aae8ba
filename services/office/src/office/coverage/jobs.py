"""Periodic work of coverage."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.kinds import Periodic
from office.counters.service import Counters
from office.coverage.repository import CoverageRepository
from office.coverage.rules import HOUR
from office.directory.service import Units
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("coverage")

RECOUNTED = timedelta(days=30)
"""How long after its publication the receipts of a notice are counted again: changes of the tree that arrive
later than the receipts are hours late at most.
"""


CAUGHT_UP = timedelta(days=40)
"""How far back hours are added up that no worker has added up in time."""


class Recounting:
    """Counts receipts again with the tree as it is known now, every night."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def task(self) -> Periodic:
        """Return the periodic task."""
        return Periodic("coverage.recount", self.run, cron="40 3 * * *")

    async def run(self) -> int:
        """Count the receipts of all recent notices again, each in a transaction; return their number."""
        async with self._database.transaction() as session:
            since = self._clock.now() - RECOUNTED
            notices = await CoverageRepository(session).published_since(since)
        for notice_id in notices:
            async with self._database.transaction() as session:
                await recount(session, notice_id)
        log.info("receipts counted again", notices=len(notices))
        return len(notices)


class Curves:
    """Adds up the receipts of past hours."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def task(self) -> Periodic:
        """Return the periodic task: some minutes after the hour, when all its receipts are committed."""
        return Periodic("coverage.hours", self.run, cron="3 * * * *", stall=timedelta(minutes=30))

    async def run(self) -> int:
        """Add up the hours since the last one that has receipts; return their number.

        The last one is added up again: a receipt may have been committed late.
        """
        end = self._clock.now().replace(minute=0, second=0, microsecond=0)
        async with self._database.transaction() as session:
            hour = await Counters(session).last_hour() or end - CAUGHT_UP
        hour = max(hour, end - CAUGHT_UP)
        count = 0
        while hour < end:
            async with self._database.transaction() as session:
                await Counters(session).add_hour(hour)
            hour, count = hour + HOUR, count + 1
        return count


async def recount(session: AsyncSession, notice_id: UUID) -> None:
    """Count the receipts of a published notice again."""
    notice = await CoverageRepository(session).notice(notice_id)
    if notice is None or notice.published_at is None:
        return
    path = await Units(session).path_at(notice.publisher_id, notice.published_at)
    if path is not None:
        await Counters(session).recount(
            notice.id, publisher=notice.publisher_id, publisher_path=path, published_at=notice.published_at
        )
