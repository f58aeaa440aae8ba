"""Periodic work of coverage."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.kinds import Periodic
from office.counters.service import Counters
from office.coverage.repository import CoverageRepository
from office.directory.service import Units
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("coverage")

RECOUNTED = timedelta(days=30)
"""How long after its publication the receipts of a notice are counted again: changes of the tree that arrive
later than the receipts are hours late at most.
"""


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
