"""Deletes ended jobs after a month and pgqueuer's claim log after a day."""

from datetime import timedelta

from sqlalchemy import Column, DateTime, MetaData, Table, func

from jobs.kinds import Periodic
from jobs.queue import JobQueue
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

_KEEP_JOBS = timedelta(days=30)
_KEEP_LOG = timedelta(days=1)
_log = Table("pgqueuer_log", MetaData(), Column("created", DateTime(timezone=True)))


def task(database: Database, queue: JobQueue) -> Periodic:
    """Return the periodic task `jobs.prune`."""

    async def prune() -> None:
        await delete_in_batches(database, queue.jobs, queue.jobs.c.finished_at < func.now() - _KEEP_JOBS)
        await delete_in_batches(database, _log, _log.c.created < func.now() - _KEEP_LOG)

    return Periodic("jobs.prune", prune, every=timedelta(hours=1))
