"""Deletes expired budgets of SMS codes, and challenges that have ended."""

from datetime import timedelta

from identity.base import Base
from identity.codes.models import CodeBudget, TextChallenge
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

_TOLD = timedelta(hours=1)
"""For how long a browser is still told that its challenge has ended."""


async def prune(database: Database, clock: Clock) -> None:
    """Delete budgets whose window has ended, and challenges that ended an hour ago."""
    table = Base.metadata.tables[CodeBudget.__tablename__]
    await delete_in_batches(database, table, table.c.ends_at <= clock.now())
    table = Base.metadata.tables[TextChallenge.__tablename__]
    await delete_in_batches(database, table, table.c.expires_at <= clock.now() - _TOLD)


def task(database: Database, clock: Clock) -> Periodic:
    """Return `prune` as a periodic task."""

    async def run() -> None:
        await prune(database, clock)

    return Periodic("codes.prune", run, every=timedelta(hours=1))
