"""Deletes records of refusals and uses after six months, for which the law has them kept.

Triggers refuse the deletion of younger rows, whatever this task says.
"""

from datetime import timedelta

from sqlalchemy import func, text

from cockpit.access.models import AccessRefusal
from cockpit.base import Base
from cockpit.exports.models import ExportUse
from cockpit.individuals.models import IndividualUse
from jobs.kinds import Periodic
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

_KEEP = text("interval '6 months'")
"""Of 网络安全法, article 23."""


async def prune(database: Database) -> int:
    """Delete what is older than six months; return the number of rows."""
    deleted = 0
    for model in (AccessRefusal, IndividualUse, ExportUse):
        table = Base.metadata.tables[model.__tablename__]
        # The clock of the database, as the triggers read it.
        deleted += await delete_in_batches(database, table, table.c.at < func.now() - _KEEP)
    return deleted


def task(database: Database) -> Periodic:
    """Return `prune` as a periodic task, at night."""

    async def run() -> None:
        await prune(database)

    return Periodic("cockpit.records.prune", run, cron="15 4 * * *", stall=timedelta(hours=1))
