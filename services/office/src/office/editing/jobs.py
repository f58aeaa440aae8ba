"""Deletes the leases of people who have left."""

from datetime import timedelta

from jobs.kinds import Periodic
from office.editing.repository import EditorRepository
from office.editing.rules import LEASE
from servicekit.clock import Clock
from servicekit.db import Database


def pruning_editors(database: Database, clock: Clock) -> Periodic:
    """Return the periodic task."""

    async def prune() -> None:
        async with database.transaction() as session:
            await EditorRepository(session).delete_ended(clock.now() - LEASE)

    return Periodic("office.editing.prune", prune, every=timedelta(hours=1))
