"""The receiver: loads a file as a batch of facts that counts completely or not at all.

Facts are first written to ClickHouse, under a `load_id` that does not count yet. Then one PostgreSQL
transaction commits the batch, adds it to the cells and publishes the event. If the process stops in between,
its facts never count and `sweep` deletes them.
"""

from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.base import outbox
from cockpit.cells.building import CellBuilder
from cockpit.cells.service import LoadDeltas
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.feeds.declarations import FEEDS
from cockpit.intake import files, members
from cockpit.intake.claiming import NewBatch
from cockpit.intake.errors import (
    BatchDuplicate,
    BatchIdReused,
    BatchInProgress,
    BatchSuperseded,
    RowsUnaccounted,
)
from cockpit.intake.facts import FactFile, FactWriter
from cockpit.intake.loading import Checked, Loader, Origin
from cockpit.intake.members import count
from cockpit.intake.models import Batch
from cockpit.intake.rejected import Rejected
from cockpit.intake.repository import BatchRepository
from cockpit.intake.steps import Reader
from cockpit.published.filling import Lines, NewTables, PublishedFiller
from contracts.cockpit import BatchCommittedV1
from contracts.intake import BatchStatus
from filekit.spool import SpooledFile, temporary_file
from filekit.threads import ParsingThreads
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.problems import Problem

log = structlog.get_logger("intake")

INSERT_ROWS = 100_000
"""Facts of one insert: each insert makes a part per year in ClickHouse, and many small parts slow it down."""
QUARANTINE_ROWS = 1_000
"""Rejected rows of one transaction."""
SWEEP_LIMIT = 100

Progress = Callable[[int], Awaitable[None]]
Confirm = Callable[[AsyncSession, Batch], Awaitable[None]]


class Receiver:
    """Receive files, each in several transactions: a batch starts before its facts and counts after them.

    One receiver serves the whole process; its methods open their own transactions.
    """

    def __init__(
        self,
        database: Database,
        facts: FactWriter,
        cells: CellBuilder,
        published: PublishedFiller,
        clock: Clock,
        units: Callable[[AsyncSession], Units],
        *,
        limit: int,
        stale_after: timedelta,
    ) -> None:
        self._database = database
        self._facts = facts
        self._cells = cells
        self._published = published
        self._clock = clock
        self._units = units
        self._limit = limit
        self._stale_after = stale_after
        self._threads = ParsingThreads()

    async def receive(
        self,
        sub: str,
        new: NewBatch,
        unit: Unit,
        chunks: AsyncIterable[bytes],
        *,
        limit: int | None = None,
        progress: Progress | None = None,
        confirm: Confirm | None = None,
    ) -> tuple[Batch, bool]:
        """Receive a file for `unit` from `sub`. Return the batch, and whether this call committed it.

        `progress` is told the number of judged rows; what it raises ends the attempt. `confirm` takes part in
        the transaction in which the batch begins to count; what it raises prevents that.

        Raises the errors of `errors`, and `BodyTooLarge`.
        """
        feed = FEEDS[new.feed]
        async with files.received(chunks, new.kind, limit or self._limit) as upload:
            reader = await self._threads.run(files.reader_of, upload, new.kind, feed)
            try:
                while not reader.opened:
                    await self._threads.run(reader.open)
                batch, ours = await self._claim(sub, new, unit, upload, reader)
                if ours:
                    origin = Origin(batch.id, batch.load_id, batch.source, unit, batch.touched_at)
                    loader = Loader(self._database, self._units, feed, reader.names, origin, self._threads)
                    batch = await self._load(batch, reader, loader, progress, confirm)
                return batch, ours
            finally:
                await self._threads.run(reader.close)

    async def check(self, new: NewBatch, unit: Unit, chunks: AsyncIterable[bytes]) -> Checked:
        """Judge a file without keeping anything of it. Raises as `receive` does for the file itself."""
        feed, found = FEEDS[new.feed], Checked()
        async with files.received(chunks, new.kind, self._limit) as upload:
            reader = await self._threads.run(files.reader_of, upload, new.kind, feed)
            try:
                while not reader.opened:
                    await self._threads.run(reader.open)
                nowhere = Origin(new_id(), new_id(), new.source, unit, self._clock.now())
                loader = Loader(self._database, self._units, feed, reader.names, nowhere, self._threads)
                while not reader.ended:
                    chunk = await loader.judge(await self._threads.run(reader.take))
                    found.add(chunk)
                    count(reader.files, chunk.accepted, len(chunk.rejected))
                found.format, found.encoding = new.kind.format, reader.encoding
                found.headings, found.files = reader.headings, list(reader.files)
                if found.accepted + found.rejected != reader.rows:
                    raise RowsUnaccounted
            finally:
                await self._threads.run(reader.close)
        return found

    async def sweep(self, older_than: timedelta | None = None) -> int:
        """Fail batches without a sign of life (for `stale_after` if None) and return their number.

        Also deletes the facts of loads discarded before that time that their process did not delete.
        """
        before = self._clock.now() - (self._stale_after if older_than is None else older_than)
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            stale = await batches.stale(before, SWEEP_LIMIT)
            for batch in stale:
                await self._discard(batches, batch, "interrupted", before)
            if stale:
                log.warning("interrupted batches given up", count=len(stale))
        async with self._database.transaction() as session:
            discarded = await BatchRepository(session).claim_discarded(before, SWEEP_LIMIT)
        for load in discarded:
            await self._delete(load.feed, load.load_id)
        return len(stale)

    def sweeping(self) -> Periodic:
        """Return the sweep as a periodic task."""
        return Periodic("cockpit.intake.sweep", self.sweep, every=self._stale_after)

    async def _claim(
        self, sub: str, new: NewBatch, unit: Unit, upload: SpooledFile, reader: Reader
    ) -> tuple[Batch, bool]:
        """Return the batch to load, or (with False) the batch that was loaded before."""
        now, load_id = self._clock.now(), new_id()
        made_id = new_id()
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            inserted = await batches.claim(
                {
                    "id": made_id,
                    "batch_id": new.batch_id,
                    "feed": new.feed,
                    "source": new.source,
                    "unit_id": unit.id,
                    "unit_path": unit.path,
                    "client_key": new.key,
                    "status": BatchStatus.RECEIVING,
                    "load_id": load_id,
                    "sha256": upload.sha256,
                    "size_bytes": upload.size,
                    "columns": reader.headings,
                    "format": new.kind.format,
                    "encoding": reader.encoding,
                    "accepted": 0,
                    "rejected": 0,
                    "created_by": sub,
                    "created_at": now,
                    "touched_at": now,
                }
            )
            if inserted:
                batch = await batches.locked(made_id)
            else:
                batch = await self._earlier(batches, new, unit)
            if batch is None or not _same(batch, new, unit):
                raise BatchIdReused
            if batch.status in {BatchStatus.COMMITTED, BatchStatus.REVERSED}:
                if batch.sha256 != upload.sha256:
                    raise BatchIdReused
                return batch, False
            if batch.status is BatchStatus.REJECTED and batch.sha256 == upload.sha256 and not inserted:
                return batch, False
            await self._check_twin(batches, batch, upload.sha256)
            if inserted:
                return batch, True
            if batch.status is BatchStatus.REJECTED:
                await batches.forget_quarantine(batch.id)
            if batch.status is BatchStatus.RECEIVING:
                if batch.touched_at > now - self._stale_after:
                    raise BatchInProgress
                await self._discard(batches, batch, "interrupted", now)
            form = new.kind.format, reader.encoding, reader.headings
            batch.begin(load_id, upload.sha256, upload.size, form, now)
            return batch, True

    async def _earlier(self, batches: BatchRepository, new: NewBatch, unit: Unit) -> Batch | None:
        """Return the batch of the unit that has the caller's id or key already."""
        batch = None
        if new.batch_id is not None:
            batch = await batches.locked_by_batch_id(unit.id, new.batch_id)
        if batch is None and new.key is not None:
            batch = await batches.locked_by_key(unit.id, new.key)
        return batch

    async def _check_twin(self, batches: BatchRepository, batch: Batch, sha256: bytes) -> None:
        twin = await batches.twin(batch, sha256)
        if twin is not None:
            raise BatchDuplicate.of(twin)

    async def _load(
        self,
        batch: Batch,
        reader: Reader,
        loader: Loader,
        progress: Progress | None,
        confirm: Confirm | None,
    ) -> Batch:
        accepted, rejected = 0, Rejected()

        async def report() -> None:
            if progress is not None:
                await progress(accepted + rejected.count)

        async def alive() -> None:
            await self._keep(batch, [])
            await report()

        try:
            with temporary_file() as file:
                facts, waiting = FactFile(file), 0
                while not reader.ended:
                    step = await self._threads.run(reader.take)
                    chunk = await loader.judge(step)
                    if chunk.facts is not None:
                        await self._threads.run(facts.write, chunk.facts)
                    waiting += chunk.accepted
                    accepted += chunk.accepted
                    rejected.add(chunk.rejected)
                    count(reader.files, chunk.accepted, len(chunk.rejected))
                    if waiting >= INSERT_ROWS:
                        await self._insert(batch, facts)
                        waiting = 0
                    await self._keep(batch, rejected.take(QUARANTINE_ROWS))
                    await report()
                if waiting:
                    await self._insert(batch, facts)
                await self._keep(batch, rejected.take(1))
            if accepted + rejected.count != reader.rows:
                raise RowsUnaccounted
            await self._facts.check(batch.feed, batch.load_id, accepted)
            rejected.files = members.stored(reader.files)
            if not accepted:
                return await self._reject(batch, rejected)
            deltas = await self._cells.prepare(batch.feed, batch.load_id, alive)
            lines = await self._published.read(batch.feed, batch.load_id)
            return await self._commit(batch, deltas, lines, accepted, rejected, confirm)
        except Exception as error:
            await self._give_up(batch, error.code if isinstance(error, Problem) else "internal_error")
            raise

    async def _insert(self, batch: Batch, facts: FactFile) -> None:
        await self._threads.run(facts.end)
        await self._facts.insert(batch.feed, facts.columns, facts.file)
        facts.clear()

    async def _keep(self, batch: Batch, rejected: list[dict[str, Any]]) -> None:
        """Quarantine rows, and record a sign of life of the attempt."""
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            current = await batches.locked(batch.id)
            if current is None:
                raise BatchSuperseded
            current.touch(batch.load_id, self._clock.now())
            if rejected:
                await batches.quarantine(rejected)

    async def _commit(
        self,
        batch: Batch,
        deltas: LoadDeltas,
        lines: Lines,
        accepted: int,
        rejected: Rejected,
        confirm: Confirm | None,
    ) -> Batch:
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            current = await batches.locked(batch.id)
            if current is None:
                raise BatchSuperseded
            # Check again: the other batch may have been committed since this one started.
            await self._check_twin(batches, current, current.sha256)
            now = self._clock.now()
            current.commit(batch.load_id, accepted, rejected, now)
            if confirm is not None:
                await confirm(session, current)
            tables = NewTables(batch.id, batch.load_id, batch.unit_id, batch.source, now)
            await self._published.add(session, batch.feed, tables, lines)
            await self._cells.within(session).apply(deltas)
            event = BatchCommittedV1(
                batch_id=batch.id,
                feed=batch.feed,
                accepted=accepted,
                rejected=rejected.count,
                committed_at=now,
            )
            outbox.add(session, event, subject=batch.id)
        return current

    async def _reject(self, batch: Batch, rejected: Rejected) -> Batch:
        async with self._database.transaction() as session:
            current = await BatchRepository(session).locked(batch.id)
            if current is None:
                raise BatchSuperseded
            current.reject(batch.load_id, rejected, self._clock.now())
        return current

    async def _give_up(self, batch: Batch, reason: str) -> None:
        try:
            async with self._database.transaction() as session:
                batches = BatchRepository(session)
                current = await batches.locked(batch.id)
                ours = current is not None and current.load_id == batch.load_id
                if current is not None and ours and current.status is BatchStatus.RECEIVING:
                    await self._discard(batches, current, reason, self._clock.now())
                elif current is not None and ours and current.status is not BatchStatus.FAILED:
                    # The commit succeeded but its response was lost: the facts count.
                    log.warning("batch committed all the same", batch=str(batch.id))
                    return
                else:
                    # For a superseded attempt, delete only its facts.
                    await batches.discard(batch.feed, batch.load_id, self._clock.now())
            await self._delete(batch.feed, batch.load_id)
        except Exception:
            # The next sweep deletes the facts; they do not count until then.
            log.warning("batch not given up", batch=str(batch.id), exc_info=True)

    async def _discard(self, batches: BatchRepository, batch: Batch, reason: str, now: datetime) -> None:
        batch.fail(reason)
        await batches.discard(batch.feed, batch.load_id, now)
        await batches.forget_quarantine(batch.id)

    async def _delete(self, feed: str, load_id: UUID) -> None:
        await self._facts.delete(feed, load_id)
        async with self._database.transaction() as session:
            await BatchRepository(session).forget_discarded(load_id)


def _same(batch: Batch, new: NewBatch, unit: Unit) -> bool:
    return (
        batch.unit_id == unit.id
        and batch.feed == new.feed
        and batch.source == new.source
        and (new.batch_id is None or batch.batch_id == new.batch_id)
    )
