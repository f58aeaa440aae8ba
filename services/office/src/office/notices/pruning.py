"""Deletes revisions of drafts a year after the archive of their notice."""

from datetime import timedelta

from sqlalchemy import select

from jobs.kinds import Periodic
from office.base import Base
from office.notices.models import Notice, Revision
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

_KEEP = timedelta(days=365)


async def prune(database: Database, clock: Clock) -> int:
    """Delete the revisions of notices that were archived a year ago; return their number."""
    table = Base.metadata.tables[Revision.__tablename__]
    old = select(Notice.id).where(Notice.archived_at < clock.now() - _KEEP)
    return await delete_in_batches(database, table, table.c.notice_id.in_(old))


def task(database: Database, clock: Clock) -> Periodic:
    """Return `prune` as a periodic task, at night."""

    async def run() -> None:
        await prune(database, clock)

    return Periodic("office.revisions.prune", run, cron="45 4 * * *", stall=timedelta(hours=1))
