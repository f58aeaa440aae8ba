"""Deletes old budgets."""

from datetime import timedelta
from typing import Final

from identity.base import Base
from identity.reminders.models import ReminderBudget
from jobs.kinds import Periodic
from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

KEEP: Final = timedelta(days=30)


def pruning(database: Database, clock: Clock) -> Periodic:
    """Return the periodic deletion of old budgets."""

    async def run() -> None:
        table = Base.metadata.tables[ReminderBudget.__tablename__]
        before = (clock.now() - KEEP).astimezone(SHANGHAI).date()
        await delete_in_batches(database, table, table.c.day <= before)

    return Periodic("reminders.prune", run, every=timedelta(hours=6))
