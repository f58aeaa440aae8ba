"""The jobs of imports and exports, and the deletion of old ones."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from contracts.identity import DirectoryLoadedV1
from contracts.vocabulary import ExportStatus, FileFormat, Stage, UnitImportStatus, UnitStatus
from filekit.spool import temporary_file
from filekit.threads import ParsingThreads
from identity.audit.service import AuditLog
from identity.base import Base, outbox
from identity.reorganisation.following import Following
from identity.revocations.service import Revocations
from identity.unit_imports import reading, rules, writing
from identity.unit_imports.applying import Batch
from identity.unit_imports.check_repository import CheckRepository
from identity.unit_imports.models import UnitImport, UnitImportRow
from identity.unit_imports.repository import ImportRepository, parts, save_file
from identity.unit_imports.rules import Row
from identity.units.changes import Occasion, day_of
from identity.units.models import Unit
from identity.units.structure import UnitTree
from jobs.job import Job
from jobs.kinds import Handler, Kind, Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.pruning import delete_in_batches

CHUNK = 5_000
"""Rows of one transaction."""
KEEP = timedelta(days=30)


class Which(BaseModel):
    """The import or export of a job."""

    id: UUID


class Read(BaseModel):
    """How far the file has been read: the number of rows, and the number of the last one in the file."""

    rows: int = 0
    number: int = 0
    complete: bool = False


class Done(BaseModel):
    """The last row that has been applied or refused, in the order of applying."""

    depth: int = -1
    number: int = 0
    rows: int = 0


CHECK = Kind("identity.units.import.check", Which, concurrency=2, stall=timedelta(minutes=20))
APPLY = Kind("identity.units.import.apply", Which, concurrency=1, stall=timedelta(minutes=20))
EXPORT = Kind("identity.units.export", Which, concurrency=2, stall=timedelta(minutes=20))


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
        if at.complete and await self._judge(job, at):
            await self._write_failed(job)

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

    async def _judge(self, job: Job[Which], at: Read) -> bool:
        async with job.transaction() as session:
            of = await ImportRepository(session).get(job.payload.id, lock=True)
            if of is None:
                return False
            if of.cancel_requested:
                of.end(UnitImportStatus.CANCELLED, self._clock.now())
                return False
            root = await session.get_one(Unit, of.root_id)
            await CheckRepository(session).judge(of, root.path)
            of.status = UnitImportStatus.CHECKED
            await job.checkpoint(session, at, done=at.rows, total=at.rows, message=f"已校验 {at.rows} 行")
        return True

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
                root = await session.get_one(Unit, of.root_id)
                if root.status == UnitStatus.CLOSED:
                    break
                pending = await rows.next_to_apply(of.id, (at.depth, at.number), CHUNK)
                if not pending:
                    break
                now = self._clock.now()
                occasion = Occasion(now, of.created_by, day_of(now), of.reason, of.document_number)
                revocations = Revocations(session, self._clock, self._token_seconds)
                batch = Batch(session, self._clock, Following(session, revocations))
                done = await batch.apply(of, pending, occasion, root.path)
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
        await self._end(job)

    async def _end(self, job: Job[Which]) -> None:
        """Tell the other services about a large import, note the end, and write the failed rows."""
        async with job.transaction() as session:
            of = await ImportRepository(session).get(job.payload.id, lock=True)
            assert of is not None
            cancelled = of.cancel_requested
            if not of.is_small and of.applied:
                await ImportRepository(session).update_statistics()
                counts = await ImportRepository(session).counts()
                event = DirectoryLoadedV1(load_id=new_id(), units=counts[0], people=counts[1])
                outbox.add(session, event, subject=of.id)
            status = UnitImportStatus.CANCELLED if cancelled else UnitImportStatus.DONE
            of.end(status, self._clock.now())
            AuditLog(session, self._clock).record(
                actor=of.created_by,
                action="units.imported",
                target=of.id,
                root=str(of.root_id),
                status=status.value,
                applied=of.applied,
                refused=of.refused,
                wrong=of.wrong,
            )
        await self._write_failed(job)

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


class Exporting:
    """The handler of exports."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def export(self, job: Job[Which]) -> None:
        """Write all active units of a subtree; a new attempt begins anew."""
        async with job.transaction() as session:
            of = await ImportRepository(session).export(job.payload.id)
            if of is None or of.status != ExportStatus.RUNNING:
                return
            root = await session.get_one(Unit, of.root_id)
            expected = await UnitTree(session, self._clock).count_under(root.path)
        with temporary_file() as file:
            table = await asyncio.to_thread(writing.writer_of, file, of.format)
            after: str | None = None
            count = 0
            while True:
                async with job.transaction() as session:
                    units = await ImportRepository(session).units_after(root.path, after, CHUNK)
                if not units:
                    break
                await asyncio.to_thread(table.write, [_exported(*unit) for unit in units])
                after, count = units[-1][0].path, count + len(units)
                await job.progress(count, max(expected, count), f"已导出 {count} 个单位")
            await asyncio.to_thread(table.close)
            async with job.transaction() as session:
                locked = await ImportRepository(session).export(job.payload.id)
                if locked is None:
                    return
                size = await save_file(session, locked.file_id, file)
                locked.end(ExportStatus.DONE, self._clock.now(), size, count)


def handlers(database: Database, clock: Clock, token_seconds: int) -> list[Handler[Which]]:
    """Return the handlers of this feature."""
    importing = Importing(database, clock, token_seconds)
    return [
        Handler(CHECK, importing.check),
        Handler(APPLY, importing.apply),
        Handler(EXPORT, Exporting(clock).export),
    ]


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


def _exported(unit: Unit, parent_code: str | None) -> list[str | None]:
    stages = [stage.label for stage in Stage if stage.value in unit.stages]
    return [
        unit.code,
        parent_code,
        unit.name,
        unit.short_name,
        unit.level.label,
        unit.kind.label,
        "、".join(stages),
        unit.region_code,
        unit.duty_phone,
        unit.address,
    ]
