"""Deletes expired budgets of SMS codes."""

from datetime import timedelta

from identity.base import Base
from identity.codes.models import CodeBudget
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.pruning import delete_in_batches


async def prune(database: Database, clock: Clock) -> None:
    """Delete budgets whose window has ended."""
    table = Base.metadata.tables[CodeBudget.__tablename__]
    await delete_in_batches(database, table, table.c.ends_at <= clock.now())


def task(database: Database, clock: Clock) -> Periodic:
    """Return `prune` as a periodic task."""

    async def run() -> None:
        await prune(database, clock)

    return Periodic("codes.prune", run, every=timedelta(hours=1))
