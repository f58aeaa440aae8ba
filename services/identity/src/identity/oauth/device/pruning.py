"""Deletes counters of failed user codes whose window has ended."""

from datetime import timedelta

from identity.base import Base
from identity.oauth.device.models import DeviceTries
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

_KEEP = timedelta(days=1)
"""Longer than any window."""


async def prune(database: Database, clock: Clock) -> int:
    """Delete counters that began a day ago; return their number."""
    table = Base.metadata.tables[DeviceTries.__tablename__]
    return await delete_in_batches(database, table, table.c.since < clock.now() - _KEEP)


def task(database: Database, clock: Clock) -> Periodic:
    """Return `prune` as a periodic task."""

    async def run() -> None:
        await prune(database, clock)

    return Periodic("device_tries.prune", run, every=timedelta(hours=1))
