"""The jobs of imports and exports, and the deletion of old ones."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import DirectoryLoadedV1
from contracts.vocabulary import ExportStatus, FileFormat, Permission, UnitImportStatus
from filekit.spool import temporary_file
from filekit.threads import ParsingThreads
from identity.audit.service import AuditLog
from identity.base import Base, job_queue, outbox
from identity.delegations.dependencies import standings_for
from identity.reorganisation.following import Following
from identity.revocations.service import Revocations
from identity.unit_imports import reading, rules, writing
from identity.unit_imports.applying import Batch
from identity.unit_imports.check_repository import CheckRepository
from identity.unit_imports.exporting import Exporting
from identity.unit_imports.kinds import APPLY, CHECK, CHUNK, EXPORT, Which
from identity.unit_imports.models import UnitExport, UnitImport, UnitImportRow
from identity.unit_imports.repository import ImportRepository, parts, save_file
from identity.unit_imports.rules import Row
from identity.units.changes import Occasion, day_of
from identity.units.models import Unit
from jobs.job import Job
from jobs.kinds import ENDED, Handler, Periodic, State
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.pruning import delete_in_batches

KEEP = timedelta(days=30)
NO_LONGER_ALLOWED = "您已不再管理该单位，其余的行没有导入"
BROKEN = "系统未能完成这次导入，已导入的单位保留。请重新上传同一文件，已导入的行会显示为“无变化”"


class Read(BaseModel):
    """How far the file has been read: the number of rows, and the number of the last one in the file."""

    rows: int = 0
    number: int = 0
    complete: bool = False
    judged: bool = False


class Done(BaseModel):
    """The last row that has been applied or refused, in the order of applying."""

    depth: int = -1
    number: int = 0
    rows: int = 0


class Importing:
    """The handlers of imports."""

    def __init__(self, database: Database, clock: Clock, token_seconds: int) -> None:
        self._database = database
        self._clock = clock
        self._token_seconds = token_seconds
        self._threads = ParsingThreads()

    async def check(self, job: Job[Which]) -> None:
        """Read the rest of the file into rows, then judge all of them."""
        at = job.resume(Read) or Read()
        async with job.transaction() as session:
            of = await ImportRepository(session).get(job.payload.id)
        if of is None or of.status != UnitImportStatus.CHECKING:
            return
        try:
            if not at.complete:
                at = await self._read(job, of, at)
        except reading.Unreadable as error:
            await self._fail(job, str(error))
            return
        if not at.complete:
            return
        if not at.judged:
            at = await self._judge(job, at)
        await self._write_failed(job)
        async with job.transaction() as session:
            found = await ImportRepository(session).get(job.payload.id, lock=True)
            if found is not None and found.status == UnitImportStatus.CHECKING:
                found.status = UnitImportStatus.CHECKED
                if found.cancel_requested:
                    found.end(UnitImportStatus.CANCELLED, self._clock.now())

    async def _read(self, job: Job[Which], of: UnitImport, at: Read) -> Read:
        with temporary_file() as file:
            async for part in parts(self._database, of.file_id):
                await asyncio.to_thread(file.write, part)
            async with reading.table_of(file, of.format, self._threads) as table:
                async for step in table.steps():
                    # An earlier attempt has copied the first ones.
                    rows = [row for row in step if row.number > at.number]
                    if rows:
                        at = Read(rows=at.rows + len(rows), number=rows[-1].number)
                        if not await self._copy(job, at, rows):
                            return at
        async with job.transaction() as session:
            repository = ImportRepository(session)
            locked = await repository.get(of.id, lock=True)
            if locked is not None:
                locked.headings = table.headings
                await repository.note_merged(of.id, table.merged)
            at = at.model_copy(update={"complete": True})
            await job.checkpoint(session, at, done=at.rows, total=at.rows)
        return at

    async def _copy(self, job: Job[Which], at: Read, rows: list[Row]) -> bool:
        """Keep the rows of a step. Return False if the import has been cancelled."""
        async with job.transaction() as session:
            repository = ImportRepository(session)
            locked = await repository.get(job.payload.id, lock=True)
            if locked is None:
                return False
            if locked.cancel_requested:
                locked.end(UnitImportStatus.CANCELLED, self._clock.now())
                return False
            await job.checkpoint(session, at, done=at.rows, message=f"已读取 {at.rows} 行")
            await repository.copy_rows(locked.id, rows)
        return True

    async def _judge(self, job: Job[Which], at: Read) -> Read:
        await job.progress(at.rows, at.rows, f"正在校验 {at.rows} 行")
        following = at.model_copy(update={"judged": True})
        async with job.transaction() as session:
            of = await ImportRepository(session).get(job.payload.id, lock=True)
            if of is not None and not of.cancel_requested:
                root = await session.get_one(Unit, of.root_id)
                await CheckRepository(session).judge(of, root.path, day_of(self._clock.now()))
            await job.checkpoint(session, following, done=at.rows, message=f"已校验 {at.rows} 行")
        return following

    async def apply(self, job: Job[Which]) -> None:
        """Apply the rest of the rows, a few thousand in each transaction."""
        at = job.resume(Done) or Done()
        while True:
            async with job.transaction() as session:
                rows = ImportRepository(session)
                of = await rows.get(job.payload.id, lock=True)
                if of is None or of.status != UnitImportStatus.APPLYING:
                    return
                if of.cancel_requested:
                    break
                now = self._clock.now()
                standing = await standings_for(session, self._clock).of(of.created_by, of.root_id)
                if standing is None or not standing.may(Permission.UNITS_MANAGE):
                    of.problem = NO_LONGER_ALLOWED
                    break
                pending = await rows.next_to_apply(of.id, (at.depth, at.number), CHUNK)
                if not pending:
                    break
                occasion = Occasion(now, of.created_by, of.effective_on, of.reason, of.document_number)
                revocations = Revocations(session, self._clock, self._token_seconds)
                batch = Batch(session, self._clock, Following(session, revocations))
                done = await batch.apply(of, pending, occasion, standing.path)
                of.applied += len(pending) - len(done.refused)
                of.refused += len(done.refused)
                last = pending[-1]
                at = Done(depth=last.depth, number=last.number, rows=at.rows + len(pending))
                await job.checkpoint(
                    session,
                    at,
                    done=at.rows,
                    total=of.new + of.changed,
                    message=f"已导入 {of.applied} 个单位",
                )
        await self._write_failed(job)
        async with job.transaction() as session:
            of = await ImportRepository(session).get(job.payload.id, lock=True)
            if of is not None and of.status == UnitImportStatus.APPLYING:
                status = UnitImportStatus.DONE if of.problem is None else UnitImportStatus.FAILED
                await self._end(session, of, UnitImportStatus.CANCELLED if of.cancel_requested else status)

    async def _end(self, session: AsyncSession, of: UnitImport, status: UnitImportStatus) -> None:
        """Note the end of an import that was applied, or a part of it, and tell the other services."""
        if of.status == UnitImportStatus.APPLYING:
            if not of.is_small and of.applied:
                await ImportRepository(session).update_statistics()
                counts = await ImportRepository(session).counts()
                event = DirectoryLoadedV1(load_id=new_id(), units=counts[0], people=counts[1])
                outbox.add(session, event, subject=of.id)
            AuditLog(session, self._clock).record(
                actor=of.created_by,
                action="units.imported",
                target=of.id,
                root=str(of.root_id),
                status=status.value,
                total=of.total,
                new=of.new,
                changed=of.changed,
                unchanged=of.unchanged,
                wrong=of.wrong,
                applied=of.applied,
                refused=of.refused,
                reason=of.reason,
                document_number=of.document_number,
            )
        of.end(status, self._clock.now(), of.problem)

    async def end_abandoned(self) -> None:
        """End what has lost its job: the job is dead, or an operator has cancelled it."""
        async with self._database.transaction() as session:
            for one in await ImportRepository(session).running():
                job = None if one.job_id is None else await job_queue.get(session, one.job_id)
                if job is not None and job.state not in ENDED:
                    continue
                cancelled = job is not None and job.state == State.CANCELLED
                if isinstance(one, UnitExport):
                    one.end(ExportStatus.CANCELLED if cancelled else ExportStatus.FAILED, self._clock.now())
                else:
                    one.problem = None if cancelled else BROKEN
                    await self._end(
                        session, one, UnitImportStatus.CANCELLED if cancelled else UnitImportStatus.FAILED
                    )

    async def _fail(self, job: Job[Which], problem: str) -> None:
        async with job.transaction() as session:
            of = await ImportRepository(session).get(job.payload.id, lock=True)
            if of is not None:
                of.end(UnitImportStatus.FAILED, self._clock.now(), problem)

    async def _write_failed(self, job: Job[Which]) -> None:
        """Write a workbook of the rows that are wrong or were refused, as they were sent, with reasons."""
        async with job.transaction() as session:
            of = await ImportRepository(session).get(job.payload.id)
        if of is None:
            return
        with temporary_file() as file:
            kept = rules.kept(of.headings)
            headings = [*(of.headings[position] for position in kept), rules.REASON, rules.NUMBER]
            table = await asyncio.to_thread(writing.writer_of, file, FileFormat.XLSX, headings)
            number = count = 0
            while True:
                async with job.transaction() as session:
                    rows = await ImportRepository(session).failed(job.payload.id, number, CHUNK)
                if not rows:
                    break
                await asyncio.to_thread(table.write, [_failed(row, kept) for row in rows])
                number, count = rows[-1].number, count + len(rows)
            await asyncio.to_thread(table.close)
            if not count:
                return
            async with job.transaction() as session:
                locked = await ImportRepository(session).get(job.payload.id, lock=True)
                if locked is None:
                    return
                if locked.failed_file_id is not None:
                    await ImportRepository(session).delete_file(locked.failed_file_id)
                locked.failed_file_id = new_id()
                await save_file(session, locked.failed_file_id, file)


def handlers(database: Database, clock: Clock, token_seconds: int) -> list[Handler[Which]]:
    """Return the handlers of this feature."""
    importing = Importing(database, clock, token_seconds)
    return [
        Handler(CHECK, importing.check),
        Handler(APPLY, importing.apply),
        Handler(EXPORT, Exporting(clock).export),
    ]


def tidying(database: Database, clock: Clock, token_seconds: int) -> Periodic:
    """Return the task that ends imports and exports whose job has ended without them."""
    importing = Importing(database, clock, token_seconds)
    return Periodic("unit_imports.tidy", importing.end_abandoned, every=timedelta(minutes=5))


def pruning(database: Database, clock: Clock) -> Periodic:
    """Return the task that deletes imports and exports after `KEEP`."""

    async def run() -> None:
        rows = Base.metadata.tables[UnitImportRow.__tablename__]
        while True:
            async with database.transaction() as session:
                old = await ImportRepository(session).older_than(clock.now() - KEEP, 1)
            if not old:
                return
            for one in old:
                if isinstance(one, UnitImport):
                    await delete_in_batches(database, rows, rows.c.import_id == one.id)
                async with database.transaction() as session:
                    await ImportRepository(session).remove(await session.merge(one))

    return Periodic("unit_imports.prune", run, every=timedelta(hours=6))


def _failed(row: UnitImportRow, kept: Sequence[int]) -> list[str]:
    return [*(row.raw[position] for position in kept), "；".join(row.errors), str(row.number)]
