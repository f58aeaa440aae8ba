"""What Cockpit does after its database was restored from a backup: `python -m cockpit restored`."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cockpit.analytics.store import Analytics
from cockpit.base import job_queue, replica_tables
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.directory.models import FormerPlace, Unit
from cockpit.feeds.declarations import feed_of
from cockpit.intake.models import Batch
from cockpit.intake.repository import BatchRepository
from cockpit.settings import Settings
from replica.replica import Replica
from servicekit.db import Database

_AT_ONCE: Final = 1000
_NAMED: Final = 20


async def restored(settings: Settings, database: Database, ahead: bool) -> Sequence[str]:
    """Have the replica read anew, and look for batches that count without all of their facts."""
    replica = Replica(Unit, replica_tables, job_queue, former_place=FormerPlace)
    async with database.transaction() as session:
        await replica.distrust(session, ahead=ahead)
    analytics = Analytics(settings.analytics_dsn, database=settings.analytics_database, threads=1)
    try:
        await analytics.start()
        return ["units are read from Identity at the next start", *await _batches(database, analytics)]
    finally:
        await analytics.close()


async def _batches(database: Database, analytics: Analytics) -> list[str]:
    count, lost, named, after, more = 0, 0, list[str](), UUID(int=0), True
    while more:
        async with database.transaction() as session:
            batches = await BatchRepository(session).counting(after, _AT_ONCE)
        facts = await _facts(analytics, batches)
        for batch in batches:
            count, after = count + 1, batch.id
            found = facts.get(str(batch.load_id), 0)
            if batch.feed in CELL_FEEDS and found < batch.accepted:
                lost += 1
                named.append(f"batch {batch.id}: {found} of {batch.accepted} facts")
        named, more = named[:_NAMED], len(batches) == _AT_ONCE
    return [f"{count} batches count, {lost} of them without all of their facts", *named]


async def _facts(analytics: Analytics, batches: Sequence[Batch]) -> dict[str, int]:
    """Return the number of facts of each load of some batches."""
    found = dict[str, int]()
    for feed in CELL_FEEDS:
        loads = [str(batch.load_id) for batch in batches if batch.feed == feed]
        if loads:
            rows = await analytics.query(
                f"SELECT toString(load_id) AS load, count() AS facts FROM {feed_of(feed).table}"  # noqa: S608 - a constant table name
                " WHERE load_id IN {loads:Array(UUID)} GROUP BY load",
                {"loads": loads},
            )
            found |= {row["load"]: int(row["facts"]) for row in rows}
    return found
