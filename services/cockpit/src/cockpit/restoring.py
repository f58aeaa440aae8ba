"""What Cockpit does after its database was restored from a backup: `python -m cockpit restored`."""

from collections.abc import Sequence
from typing import Final

from cockpit.analytics.store import Analytics
from cockpit.base import job_queue, replica_tables
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.directory.models import FormerPlace, Unit
from cockpit.feeds.declarations import feed_of
from cockpit.intake.repository import BatchRepository
from cockpit.settings import Settings
from replica.replica import Replica
from servicekit.db import Database

_NAMED: Final = 20


async def restored(settings: Settings, database: Database, ahead: bool) -> Sequence[str]:
    """Have the replica read anew, and look for batches that count without all of their facts."""
    replica = Replica(Unit, replica_tables, job_queue, former_place=FormerPlace)
    async with database.transaction() as session:
        await replica.distrust(session, ahead=ahead)
        counting = await BatchRepository(session).counting()
    analytics = Analytics(settings.analytics_dsn, database=settings.analytics_database, threads=1)
    try:
        await analytics.start()
        facts = dict[str, int]()
        for feed in CELL_FEEDS:
            rows = await analytics.query(
                f"SELECT toString(load_id) AS load, count() AS facts FROM {feed_of(feed).table} GROUP BY load"  # noqa: S608 - a constant table name
            )
            facts |= {row["load"]: int(row["facts"]) for row in rows}
    finally:
        await analytics.close()
    lost = [
        one for one in counting if one.feed in CELL_FEEDS and facts.get(str(one.load_id), 0) < one.accepted
    ]
    named = [
        f"batch {one.id}: {facts.get(str(one.load_id), 0)} of {one.accepted} facts" for one in lost[:_NAMED]
    ]
    return [
        "units are read from Identity at the next start",
        f"{len(counting)} batches count, {len(lost)} of them without all of their facts",
        *named,
    ]
