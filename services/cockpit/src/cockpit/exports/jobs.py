"""The job that makes the file of an export, and the tasks that tidy up."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Final

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Acting, Principal
from cockpit.access import rules as access
from cockpit.base import job_queue
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.exports import tables, writing
from cockpit.exports.kinds import EXPORT, Which
from cockpit.exports.models import KEEP, Export
from cockpit.exports.repository import PARTS_AT_ONCE, ExportRepository
from cockpit.exports.schemas import ExportIn, QueryTable
from cockpit.exports.service import asker_of
from cockpit.query.service import Queries
from contracts.vocabulary import ExportStatus, UnitStatus
from filekit.spool import temporary_file
from jobs.job import Job, Stopped
from jobs.kinds import ENDED, Handler, Periodic, State
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.problems import InternalError, Problem

_AT_ONCE: Final = 100
_UNIT_GONE: Final = "提出导出时所在的单位已不存在或已停用。"


class Exporting:
    """Makes the files. `queries` builds the feature of questions on a session."""

    def __init__(self, database: Database, clock: Clock, queries: Callable[[AsyncSession], Queries]) -> None:
        self._database = database
        self._clock = clock
        self._queries = queries

    def handler(self) -> Handler[Which]:
        """Return the handler of the job."""
        return Handler(EXPORT, self.run)

    def tidying(self) -> list[Periodic]:
        """Return the periodic tasks."""
        return [
            Periodic("cockpit.exports.tidy", self.end_abandoned, every=timedelta(minutes=5)),
            Periodic("cockpit.exports.prune", self.delete_old, every=timedelta(hours=1)),
        ]

    async def run(self, job: Job[Which]) -> None:
        """Make the file; a new attempt begins anew."""
        async with job.transaction() as session:
            export = await ExportRepository(session).get(job.payload.id)
            unit = None if export is None else await Units(session).find(export.unit_id)
            if export is None or export.status is not ExportStatus.RUNNING:
                return
            session.expunge(export)
        if unit is None or unit.status != UnitStatus.ACTIVE:
            await self._fail(export, _UNIT_GONE)
            return
        try:
            await self._make(job, export, unit)
        except Stopped:
            raise
        except Problem as problem:
            if problem.status >= 500 and job.attempt < EXPORT.retry.limit:
                raise
            await self._fail(export, problem.detail or problem.title)
        except Exception:
            if job.attempt >= EXPORT.retry.limit:
                await self._fail(export, InternalError.detail)
            raise

    async def _make(self, job: Job[Which], export: Export, unit: Unit) -> None:
        async def progress(rows: int) -> None:
            await job.progress(rows, export.lines, message=f"已写入 {rows} 行")

        with temporary_file() as file:
            rows = await self._written(export, unit, file, progress)
            size = await self._saved(job, export, file)
            async with job.transaction() as session:
                repository = ExportRepository(session)
                current = await repository.get(export.id, lock=True)
                if current is None or current.status is not ExportStatus.RUNNING:
                    await repository.delete_parts(export.id)
                    return
                current.end(ExportStatus.DONE, self._clock.now(), rows=rows, size=size)

    async def _written(self, export: Export, unit: Unit, file: BinaryIO, progress: writing.Progress) -> int:
        """Write what the person may see now: the unit may have moved since they asked."""
        wanted = ExportIn.model_validate(export.asked).table
        assert isinstance(wanted, QueryTable), "only these can be so large"
        async with self._database.transaction() as session:
            large = await self._queries(session).blocks(_actor(export, unit), wanted.query)
            table = tables.stream_of(large, self._clock.now(), asker_of(export.created_by, unit))
            return await writing.written(table, export.format, file, progress)

    async def _saved(self, job: Job[Which], export: Export, file: BinaryIO) -> int:
        """Write the file in several transactions, because it may be large; return its size."""
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

    async def _fail(self, of: Export, error: str) -> None:
        async with self._database.transaction() as session:
            export = await ExportRepository(session).get(of.id, lock=True)
            if export is not None and export.status is ExportStatus.RUNNING:
                export.end(ExportStatus.FAILED, self._clock.now(), error=error)

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
        """Delete exports that are older than `KEEP`."""
        deleted = _AT_ONCE
        while deleted == _AT_ONCE:
            async with self._database.transaction() as session:
                deleted = await ExportRepository(session).delete_older(self._clock.now() - KEEP, _AT_ONCE)


def _actor(export: Export, unit: Unit) -> Principal:
    """Return the person who asked, acting for the unit where it is now. Nothing but reach follows from it."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return Principal(
        sub=export.created_by,
        client_id=export.client_id,
        scope=frozenset({access.READ}),
        issued_at=epoch,
        expires_at=epoch,
        jti="",
        acting=Acting(unit.id, unit.path, unit.level, unit.kind, frozenset()),
    )
