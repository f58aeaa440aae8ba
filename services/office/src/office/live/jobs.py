"""Deletes old entries of the feed."""

from datetime import UTC, datetime, timedelta
from typing import Final

from jobs.kinds import Periodic
from office.live.feed_repository import FeedRepository
from servicekit.db import Database

KEEP: Final = timedelta(hours=6)
"""How long after a disconnection a browser gets what it has missed; later it reloads."""

_BATCH = 5_000


async def prune_feed(database: Database, keep: timedelta = KEEP) -> int:
    """Delete the entries that are older than `keep`, some at a time; return their number."""
    before, total = datetime.now(UTC) - keep, 0
    count = _BATCH
    while count == _BATCH:
        async with database.transaction() as session:
            count = await FeedRepository(session).prune(before, _BATCH)
        total += count
    return total


def pruning_feed(database: Database) -> Periodic:
    """Return the periodic task."""

    async def prune() -> None:
        await prune_feed(database)

    return Periodic("office.feed.prune", prune, every=timedelta(minutes=10))
