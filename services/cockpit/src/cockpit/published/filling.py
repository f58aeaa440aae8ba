"""Filling: the lines of a batch, from the facts to PostgreSQL, where views read them.

A batch of published tables is loaded as facts, like any other. Its few lines are read back before the
transaction that commits it, and stored by that transaction: a view shows them from then on, and asks
ClickHouse nothing. A batch of an earlier release, or of a process of one, is filled afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.analytics.errors import AnalyticsBusy, AnalyticsUnavailable
from cockpit.analytics.store import Analytics
from cockpit.feeds.declarations import FeedName
from cockpit.published.errors import TooManyPublishedLines
from cockpit.published.repository import PublishedRepository
from jobs.kinds import Periodic
from servicekit.db import Database

log = structlog.get_logger("published")

MOST_LINES = 20_000
"""Lines of a batch: the tables of many years. They are held in memory while it is committed."""
FILLED = 100
"""Batches looked at by one transaction."""

_LINES = """
SELECT year, scope, stage, funding, programme, region_group, is_total, amount, share_percent, persons,
       person_times, note
FROM aggregate_facts
WHERE load_id = {load:UUID}
ORDER BY year, scope, stage, funding, programme, region_group
LIMIT {limit:UInt32}
"""

Lines = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class NewTables:
    """A batch whose tables begin to count."""

    batch_id: UUID
    load_id: UUID
    unit_id: UUID
    source: str
    committed_at: datetime


class PublishedWriter:
    """Write published tables in one transaction of the caller's."""

    def __init__(self, session: AsyncSession) -> None:
        self._tables = PublishedRepository(session)

    async def add(self, new: NewTables, lines: Lines) -> None:
        """Store the lines of a batch. Does nothing the second time."""
        if await self._tables.note(new.batch_id, new.load_id, new.unit_id, new.source, new.committed_at):
            await self._tables.add(new.batch_id, new.unit_id, new.source, lines)


class PublishedFiller:
    """Bring lines from the facts to PostgreSQL; one filler serves the whole process."""

    def __init__(self, database: Database, analytics: Analytics) -> None:
        self._database = database
        self._analytics = analytics

    async def read(self, feed: str, load_id: UUID) -> Lines:
        """Return the lines of a load, none of another feed. Call it outside of a transaction.

        Raises `TooManyPublishedLines`, and as `Analytics.query` does.
        """
        if feed != FeedName.PUBLISHED_AGGREGATE:
            return []
        lines = await self._lines(load_id, MOST_LINES + 1)
        if len(lines) > MOST_LINES:
            raise TooManyPublishedLines
        return lines

    async def add(self, session: AsyncSession, feed: str, new: NewTables, lines: Lines) -> None:
        """Store what `read` returned, in the transaction that commits the batch."""
        if feed == FeedName.PUBLISHED_AGGREGATE:
            await PublishedWriter(session).add(new, lines)

    async def catch_up(self) -> int:
        """Fill the batches that their commit did not fill; return their number.

        A batch that fails is logged, and does not keep those after it from being filled, nor the service
        from starting; the next run tries it again. Figures of its unit are refused until then.
        """
        done = 0
        after: tuple[datetime, UUID] | None = None
        while True:
            async with self._database.transaction() as session:
                unfilled = await PublishedRepository(session).unfilled(FILLED, after)
            for batch_id, load_id, unit_id, source, committed_at in unfilled:
                after = committed_at, batch_id
                done += await self._fill(NewTables(batch_id, load_id, unit_id, source, committed_at))
            if len(unfilled) < FILLED:
                break
        if done:
            log.info("published tables filled afterwards", count=done)
        return done

    async def _fill(self, new: NewTables) -> bool:
        try:
            # Of an earlier release, which had no limit: their lines are few hundred, too.
            lines = await self._lines(new.load_id, 1_000_000)
            async with self._database.transaction() as session:
                await PublishedWriter(session).add(new, lines)
        except (AnalyticsBusy, AnalyticsUnavailable):
            # The store has no answer for any batch.
            raise
        except Exception:
            log.exception("published tables not filled", batch=str(new.batch_id))
            return False
        return True

    def catching_up(self) -> Periodic:
        """Return `catch_up` as a periodic task."""
        return Periodic(
            "cockpit.published.catch_up", self.catch_up, every=timedelta(seconds=30), at_start=True
        )

    async def _lines(self, load_id: UUID, limit: int) -> list[dict[str, Any]]:
        return await self._analytics.query(_LINES, {"load": load_id, "limit": limit}, writing=True)
