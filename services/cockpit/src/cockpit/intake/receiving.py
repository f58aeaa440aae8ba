"""The receiver: loads a file as a batch of facts that counts completely or not at all.

Facts are first written to ClickHouse, under a `load_id` that does not count yet. Then one PostgreSQL
transaction commits the batch, adds it to the cells and publishes the event. If the process stops in between,
its facts never count and `sweep` deletes them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.base import outbox
from cockpit.cells.building import CellBuilder
from cockpit.cells.service import LoadDeltas
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.feeds.declarations import FEEDS
from cockpit.intake import files, members
from cockpit.intake.agreement import Agreement
from cockpit.intake.claiming import Claims, NewBatch, check_twin
from cockpit.intake.comparing import Comparer, Comparison, Loaded, settle
from cockpit.intake.discarding import Discards
from cockpit.intake.errors import BatchSuperseded, OthersTurn, RecordsBusy, RecordsMoved, RowsUnaccounted
from cockpit.intake.facts import FactWriter
from cockpit.intake.loading import Checked, Earlier, Origin
from cockpit.intake.models import Batch
from cockpit.intake.reading import Confirm, Progress, Source, SourceFiles
from cockpit.intake.records import Records
from cockpit.intake.rejected import Rejected
from cockpit.intake.repository import BatchRepository
from cockpit.intake.turns import Turns, kept_alive
from cockpit.published.filling import Lines, NewTables, PublishedFiller
from contracts.cockpit import BatchCommittedV1
from contracts.intake import BatchMode
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.problems import Problem

log = structlog.get_logger("intake")

QUARANTINE_ROWS = 1_000
"""Rejected rows of one transaction."""
SWEEP_LIMIT = 100
ANY_AGE = timedelta(hours=-1)
"""For `sweep`: also what a process with a clock ahead of ours has touched."""
MOST_LOADS = 5
"""Loads of one attempt: one more whenever rows have to be refused that were written."""
MOST_COMPARISONS = 20
"""Comparisons of one load: one more whenever another load about the same units began to count meanwhile."""


@dataclass
class Counted:
    """The rows of a load so far."""

    rejected: Rejected
    accepted: int = 0
    notes: Counter[str] = field(default_factory=Counter)


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
        records: Records,
        agreement: Agreement,
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
        self._records = records
        self._agreement = agreement
        self._discards = Discards(database, facts, clock)
        self._turns = Turns(database, clock)
        self._comparer = Comparer(database, records, cells)
        self._limit = limit
        self._stale_after = stale_after
        self._files = SourceFiles(database, units, facts)
        self._claims = Claims(database, stale_after, self._discards, clock.now)

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
            source = Source(upload, new.kind, feed, unit, progress, confirm)
            async with self._files.opened(source) as reader:
                batch, ours = await self._claims.claim(sub, new, unit, upload, reader)
            return (await self._load(batch, source), True) if ours else (batch, False)

    async def check(self, new: NewBatch, unit: Unit, chunks: AsyncIterable[bytes]) -> Checked:
        """Judge a file without keeping anything of it. Raises as `receive` does for the file itself.

        Its facts are written, to compare them with the records that count, and deleted.
        """
        feed = FEEDS[new.feed]
        origin = Origin(new_id(), new_id(), new.source, unit, self._clock.now(), new.mode)

        async def alive() -> None:
            await self._discards.stay(origin.load_id)

        async with files.received(chunks, new.kind, self._limit) as upload:
            source = Source(upload, new.kind, feed, unit)
            async with self._database.transaction() as session:
                await BatchRepository(session).discard(feed.name, origin.load_id, self._clock.now())
            try:
                found, stripes = await self._check(source, origin, None, alive)
                if found.accepted:
                    async with kept_alive(alive):
                        refused, noted = await self._compare(Loaded(feed, origin, found.accepted, stripes))
                    if refused is not None:
                        found, _ = await self._check(source, origin, refused, alive)
                    found.notes.update(noted)
            finally:
                await self._discards.drop(feed.name, origin.load_id)
        return found

    async def _compare(self, loaded: Loaded) -> tuple[Earlier | None, Counter[str]]:
        """Return what of a file that is only judged is refused, and its notes, as when it is taken in."""
        feed, origin = loaded.feed, loaded.origin
        found = await self._comparer.compare(loaded)
        if origin.mode is BatchMode.DELETION:
            return found.refused, Counter()
        if origin.mode is BatchMode.CORRECTION:
            # What it replaces does not disagree with it.
            await self._records.reverse(feed, origin.load_id, loaded.rows, origin.load_id, origin.batch_id)
        # Of all rows, those included that are refused for another reason.
        return found.refused, await self._agreement.of_load(feed, origin.load_id)

    async def _check(
        self,
        source: Source,
        origin: Origin,
        earlier: Earlier | None,
        alive: Callable[[], Awaitable[None]],
    ) -> tuple[Checked, frozenset[int]]:
        """Judge a file, and write its facts if nothing is known of `earlier` ones yet."""
        found = Checked(format=source.kind.format)
        async with self._files.opened(source) as reader:
            found.encoding, found.headings = reader.encoding, reader.headings
            loader = self._files.loader(source, reader, origin, earlier)
            async for chunk in self._files.judged(source, reader, loader, write=earlier is None):
                found.add(chunk)
                members.count(reader.files, chunk.accepted, len(chunk.rejected))
                await alive()
            found.files = list(reader.files)
            if found.accepted + found.rejected != reader.rows:
                raise RowsUnaccounted
        return found, frozenset(loader.stripes)

    async def sweep(self, older_than: timedelta | None = None) -> int:
        """Fail batches without a sign of life (for `stale_after` if None) and return their number.

        Also deletes the facts of loads discarded before that time that their process did not delete.
        """
        before = self._clock.now() - (self._stale_after if older_than is None else older_than)
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            stale = await batches.stale(before, SWEEP_LIMIT)
            for batch in stale:
                await self._discards.discard(batches, batch, "interrupted", before)
            if stale:
                log.warning("interrupted batches given up", count=len(stale))
        async with self._database.transaction() as session:
            discarded = await BatchRepository(session).claim_discarded(before, SWEEP_LIMIT)
        for load in discarded:
            await self._discards.delete(load.feed, load.load_id)
        return len(stale)

    def sweeping(self) -> Periodic:
        """Return the sweep as a periodic task."""
        return Periodic("cockpit.intake.sweep", self.sweep, every=self._stale_after)

    async def _load(self, batch: Batch, source: Source) -> Batch:
        try:
            earlier: Earlier | None = None
            for number in range(MOST_LOADS):
                if number > 1:
                    await self._turns.ask(batch.id, batch.feed)
                done = await self._attempt(batch, source, earlier)
                if isinstance(done, Batch):
                    return done
                earlier = done
                batch = await self._load_again(batch)
            raise RecordsBusy
        except asyncio.CancelledError:
            self._discards.interrupted(batch)
            raise
        except Exception as error:
            await self._discards.give_up(
                batch, error.code if isinstance(error, Problem) else "internal_error"
            )
            raise
        finally:
            await self._turns.end(batch.id)

    async def _attempt(self, batch: Batch, source: Source, earlier: Earlier | None) -> Batch | Earlier | None:
        """Load a file once. Return the batch, or what is to be refused by another load of it."""
        counted = Counted(Rejected())
        # Rows to delete are written only to be compared.
        deleting = batch.mode is BatchMode.DELETION
        written = new_id() if deleting else batch.load_id
        origin = Origin(batch.id, written, batch.source, source.unit, batch.touched_at, batch.mode)

        async def alive() -> None:
            await self._keep(batch, counted.rejected.take(QUARANTINE_ROWS))
            await self._turns.stay(batch.id)
            if deleting:
                await self._discards.stay(written)
            if source.progress is not None:
                await source.progress(counted.accepted + counted.rejected.count)

        if deleting:
            async with self._database.transaction() as session:
                await BatchRepository(session).discard(batch.feed, written, self._clock.now())
        try:
            async with self._files.opened(source) as reader:
                loader = self._files.loader(source, reader, origin, earlier)
                async for chunk in self._files.judged(source, reader, loader):
                    counted.accepted += chunk.accepted
                    counted.rejected.add(chunk.rejected)
                    counted.notes.update(chunk.notes)
                    members.count(reader.files, chunk.accepted, len(chunk.rejected))
                    await alive()
                await self._keep(batch, counted.rejected.take(1))
                if counted.accepted + counted.rejected.count != reader.rows:
                    raise RowsUnaccounted
                counted.rejected.files = members.stored(reader.files)
            await self._facts.check(batch.feed, written, counted.accepted)
            if not counted.accepted:
                return await self._reject(batch, counted.rejected)
            loaded = Loaded(source.feed, origin, counted.accepted, frozenset(loader.stripes))
            return await self._count(batch, loaded, counted, earlier, source.confirm, alive)
        finally:
            if deleting:
                await self._discards.drop(batch.feed, written)

    async def _count(
        self,
        batch: Batch,
        loaded: Loaded,
        counted: Counted,
        earlier: Earlier | None,
        confirm: Confirm | None,
        alive: Callable[[], Awaitable[None]],
    ) -> Batch | Earlier | None:
        """Compare a load with the records that count, and commit it; return what is to be refused instead."""
        async with kept_alive(alive):
            found = await self._comparer.compare(loaded)
            if found.refused is not None:
                return found.refused
            if batch.mode is not BatchMode.NEW:
                await self._reverse_earlier(batch, loaded, found)
            if batch.mode is not BatchMode.DELETION:
                counted.notes.update(await self._agreement.of_load(loaded.feed, loaded.origin.load_id))
        deltas = await self._cells.prepare(batch.feed, batch.load_id, alive)
        lines = await self._published.read(batch.feed, batch.load_id)
        for _ in range(MOST_COMPARISONS):
            try:
                return await self._commit(batch, deltas, lines, counted, found, confirm)
            except OthersTurn:
                await self._turns.wait(batch.id, batch.feed, alive)
                continue
            except RecordsMoved:
                # From now on, the others wait until this one counts.
                await self._turns.ask(batch.id, batch.feed)
                async with kept_alive(alive):
                    later = await self._comparer.compare(loaded)
            if earlier is not None or not found.still_holds(later):
                # What was refused may be acceptable by now.
                return later.refused if earlier is None else None
            found = later
        raise RecordsBusy

    async def _reverse_earlier(self, batch: Batch, loaded: Loaded, found: Comparison) -> None:
        rows, feed = loaded.rows, loaded.feed
        await self._records.reverse(feed, loaded.origin.load_id, rows, batch.load_id, batch.id)
        plus = rows if loaded.origin.load_id == batch.load_id else 0
        await self._records.check(feed, batch.load_id, plus, found.matched.current)

    async def _load_again(self, batch: Batch) -> Batch:
        """Discard the load of a batch and begin another."""
        load_id = new_id()
        async with self._discards.beginning(load_id), self._database.transaction() as session:
            batches = BatchRepository(session)
            current = await batches.locked(batch.id)
            if current is None:
                raise BatchSuperseded
            now = self._clock.now()
            current.load_again(batch.load_id, load_id, now)
            await batches.discard(batch.feed, batch.load_id, now)
            await batches.forget_quarantine(batch.id)
        await self._discards.drop(batch.feed, batch.load_id)
        return current

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
        counted: Counted,
        found: Comparison,
        confirm: Confirm | None,
    ) -> Batch:
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            current = await batches.locked(batch.id)
            if current is None:
                raise BatchSuperseded
            # Check again: the other batch may have been committed since this one started.
            await check_twin(batches, current, current.sha256)
            now, accepted, rejected = self._clock.now(), counted.accepted, counted.rejected
            await self._turns.check(session, batch.id, batch.feed)
            await settle(session, batch.id, batch.feed, found)
            current.commit(batch.load_id, accepted, rejected, counted.notes, found.versions, now)
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
