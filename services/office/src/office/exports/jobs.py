"""The job that makes the file of an export, and the tasks that tidy up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import BinaryIO, Final
from uuid import UUID

from pydantic import BaseModel

from contracts.vocabulary import ExportStatus
from filekit.spool import temporary_file
from jobs.job import Job
from jobs.kinds import ENDED, Handler, Kind, Periodic, State
from office.base import job_queue
from office.exports.models import Export
from office.exports.repository import PARTS_AT_ONCE, ExportRepository
from servicekit.clock import Clock
from servicekit.db import Database


class Which(BaseModel):
    """The export of a job."""

    id: UUID


EXPORT: Final = Kind("office.export", Which, concurrency=2, stall=timedelta(minutes=20))
KEEP: Final = timedelta(days=7)
_AT_ONCE: Final = 100

Writer = Callable[[Job[Which], Export, BinaryIO], Awaitable[int]]
"""Writes the file of an export in transactions of the job, reports progress, returns the number of rows.

The export is detached: read its parameters only.
"""


class Exporting:
    """Handles the jobs with the writers of the features, by kind."""

    def __init__(self, clock: Clock, writers: Mapping[str, Writer]) -> None:
        self._clock = clock
        self._writers = writers

    async def run(self, job: Job[Which]) -> None:
        """Make the file; a new attempt begins anew."""
        async with job.transaction() as session:
            export = await ExportRepository(session).get(job.payload.id)
            if export is None or export.status is not ExportStatus.RUNNING:
                return
            session.expunge(export)
        with temporary_file() as file:
            rows = await self._writers[export.kind](job, export, file)
            size = await _saved(job, export, file)
            async with job.transaction() as session:
                repository = ExportRepository(session)
                current = await repository.get(export.id, lock=True)
                if current is None or current.status is not ExportStatus.RUNNING:
                    await repository.delete_parts(export.id)
                    return
                current.end(ExportStatus.DONE, self._clock.now(), rows=rows, size=size)


async def _saved(job: Job[Which], export: Export, file: BinaryIO) -> int:
    """Write the file in several transactions, because it may have hundreds of megabytes; return its size."""
    async with job.transaction() as session:
        await ExportRepository(session).delete_parts(export.id)
    await asyncio.to_thread(file.seek, 0)
    part = size = 0
    more = True
    while more:
        async with job.transaction() as session:
            count, length = await ExportRepository(session).save_parts(export.id, part, file)
        part, size, more = part + count, size + length, count == PARTS_AT_ONCE
    return size


class Tidying:
    """Ends exports whose job has ended without them, and deletes old ones."""

    def __init__(self, database: Database, clock: Clock, keep_log: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._keep_log = keep_log

    async def end_abandoned(self) -> None:
        """End what has lost its job: the job is dead, or an operator has cancelled it."""
        async with self._database.transaction() as session:
            for export in await ExportRepository(session).running(_AT_ONCE):
                job = None if export.job_id is None else await job_queue.get(session, export.job_id)
                if job is not None and job.state not in ENDED:
                    continue
                cancelled = job is not None and job.state == State.CANCELLED
                status = ExportStatus.CANCELLED if cancelled else ExportStatus.FAILED
                export.end(status, self._clock.now())

    async def delete_old(self) -> None:
        """Delete exports that are older than `KEEP`, and old records of what people did with them."""
        deleted = _AT_ONCE
        while deleted == _AT_ONCE:
            async with self._database.transaction() as session:
                deleted = await ExportRepository(session).delete_older(self._clock.now() - KEEP, _AT_ONCE)

        deleted = _AT_ONCE
        while deleted == _AT_ONCE:
            async with self._database.transaction() as session:
                before = self._clock.now() - self._keep_log
                deleted = await ExportRepository(session).delete_log(before, _AT_ONCE)

    def tasks(self) -> list[Periodic]:
        """Return the periodic tasks."""
        return [
            Periodic("office.exports.tidy", self.end_abandoned, every=timedelta(minutes=5)),
            Periodic("office.exports.prune", self.delete_old, every=timedelta(hours=6)),
        ]


def handler(clock: Clock, writers: Mapping[str, Writer]) -> Handler[Which]:
    """Return the handler of exports; `writers` holds those of the features by the kind of export."""
    return Handler(EXPORT, Exporting(clock, writers).run)
