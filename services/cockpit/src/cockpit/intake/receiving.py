"""The receiver: a file becomes a batch of facts that counts whole or not at all.

Facts go to ClickHouse first, under a `load_id` that is not counted yet; then one PostgreSQL transaction
commits the batch and publishes the event. A process that stops in between leaves facts that are never
counted; `sweep` deletes them.
"""

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.analytics.store import Analytics
from cockpit.base import outbox
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.intake import files
from cockpit.intake.errors import BatchDuplicate, BatchIdReused, BatchInProgress, BatchSuperseded
from cockpit.intake.feeds import FEEDS, FeedName, feed_of
from cockpit.intake.loading import Loader, Origin
from cockpit.intake.models import Batch
from cockpit.intake.repository import BatchRepository
from cockpit.intake.threads import ParsingThreads
from contracts.cockpit import BatchCommittedV1
from contracts.vocabulary import BatchStatus
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.problems import Problem

log = structlog.get_logger("intake")


@dataclass(frozen=True)
class NewBatch:
    """What a caller says about a file. `batch_id` or `key`, of which there must be one, identify the batch
    when the upload is repeated.
    """

    feed: FeedName
    unit: UUID | None
    source: str
    batch_id: UUID | None
    key: str | None
    codec: str


class Receiver:
    """Receives files, each in several transactions: a batch begins before its facts and counts after them.

    One receiver serves the whole process; its methods open transactions of their own.
    """

    def __init__(
        self,
        database: Database,
        analytics: Analytics,
        clock: Clock,
        units: Callable[[AsyncSession], Units],
        *,
        limit: int,
        stale_after: timedelta,
    ) -> None:
        self._database = database
        self._analytics = analytics
        self._clock = clock
        self._units = units
        self._limit = limit
        self._stale_after = stale_after
        self._threads = ParsingThreads()

    async def receive(
        self, sub: str, new: NewBatch, unit: Unit, chunks: AsyncIterable[bytes]
    ) -> tuple[Batch, bool]:
        """Receive a file for `unit` from `sub`; returns the batch, and whether this call made it count.

        Raises what `errors` lists, and `BodyTooLarge`.
        """
        feed = FEEDS[new.feed]
        with files.spool() as file:
            upload = await files.receive(chunks, file, new.codec, self._limit)
            reader = files.RowReader(upload, feed)
            while not reader.opened:
                await self._threads.run(reader.open)
            batch, ours = await self._claim(sub, new, unit, upload, reader.headings)
            if ours:
                origin = Origin(batch.id, batch.load_id, batch.source, unit, batch.touched_at)
                loader = Loader(self._database, self._units, feed, reader.names, origin, self._threads)
                batch = await self._load(batch, reader, loader)
            return batch, ours

    async def sweep(self, older_than: timedelta | None = None) -> int:
        """Give up batches that nobody is receiving any more (`stale_after` when None); returns how many."""
        age = self._stale_after if older_than is None else older_than
        async with self._database.transaction() as session:
            stale = await BatchRepository(session).stale(self._clock.now() - age)
            for batch in stale:
                await self._discard(session, batch, "interrupted")
            if stale:
                log.warning("interrupted batches given up", count=len(stale))
            return len(stale)

    def sweeping(self) -> Periodic:
        """The sweep as a periodic task."""
        return Periodic("cockpit.intake.sweep", self.sweep, every=self._stale_after)

    async def _claim(
        self, sub: str, new: NewBatch, unit: Unit, upload: files.Upload, headings: list[str]
    ) -> tuple[Batch, bool]:
        """The batch to load, or (with False) the one that was loaded before."""
        now, load_id = self._clock.now(), new_id()
        batch_id = new.batch_id or new_id()
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            inserted = await batches.claim(
                {
                    "id": batch_id,
                    "feed": new.feed,
                    "source": new.source,
                    "unit_id": unit.id,
                    "unit_path": unit.path,
                    "client_key": new.key,
                    "status": BatchStatus.RECEIVING,
                    "load_id": load_id,
                    "sha256": upload.sha256,
                    "size_bytes": upload.size,
                    "columns": headings,
                    "accepted": 0,
                    "rejected": 0,
                    "created_by": sub,
                    "created_at": now,
                    "touched_at": now,
                }
            )
            batch = await batches.locked(batch_id)
            if batch is None and new.key is not None:
                batch = await batches.locked_by_key(unit.id, new.key)
            if batch is None or not _same(batch, new, unit):
                raise BatchIdReused
            if batch.status in {BatchStatus.COMMITTED, BatchStatus.REVERSED}:
                if batch.sha256 != upload.sha256:
                    raise BatchIdReused
                return batch, False
            await self._check_twin(batches, batch, upload.sha256)
            if inserted:
                return batch, True
            if batch.status is BatchStatus.RECEIVING:
                if batch.touched_at > now - self._stale_after:
                    raise BatchInProgress
                await self._discard(session, batch, "interrupted")
            batch.begin(load_id, upload.sha256, upload.size, headings, now)
            return batch, True

    async def _check_twin(self, batches: BatchRepository, batch: Batch, sha256: bytes) -> None:
        twin = await batches.twin(batch, sha256)
        if twin is not None:
            raise BatchDuplicate.of(twin)

    async def _load(self, batch: Batch, reader: files.RowReader, loader: Loader) -> Batch:
        accepted = rejected = 0
        table = feed_of(batch.feed).table
        try:
            while not reader.ended:
                lines = await self._threads.run(reader.take)
                if not lines:
                    continue
                chunk = await loader.judge(lines)
                await self._analytics.insert(table, loader.columns, chunk.facts)
                async with self._database.transaction() as session:
                    batches = BatchRepository(session)
                    current = await batches.locked(batch.id)
                    if current is None:
                        raise BatchSuperseded
                    current.touch(batch.load_id, self._clock.now())
                    await batches.quarantine(chunk.rejected)
                accepted += len(chunk.facts)
                rejected += len(chunk.rejected)
            return await self._commit(batch, accepted, rejected)
        except Exception as error:
            await self._give_up(batch, error.code if isinstance(error, Problem) else "internal_error")
            raise

    async def _commit(self, batch: Batch, accepted: int, rejected: int) -> Batch:
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            current = await batches.locked(batch.id)
            if current is None:
                raise BatchSuperseded
            # Once more: the other may have been committed since this one began.
            await self._check_twin(batches, current, current.sha256)
            now = self._clock.now()
            current.commit(batch.load_id, accepted, rejected, now)
            event = BatchCommittedV1(
                batch_id=batch.id, feed=batch.feed, accepted=accepted, rejected=rejected, committed_at=now
            )
            outbox.add(session, event, subject=batch.id)
        return current

    async def _give_up(self, batch: Batch, reason: str) -> None:
        try:
            async with self._database.transaction() as session:
                current = await BatchRepository(session).locked(batch.id)
                ours = current is not None and current.load_id == batch.load_id
                if current is not None and ours and current.status is BatchStatus.RECEIVING:
                    await self._discard(session, current, reason)
                elif current is not None and ours and current.status is not BatchStatus.FAILED:
                    # It did commit, only the answer to the commit was lost: the facts count.
                    log.warning("batch committed all the same", batch=str(batch.id))
                else:
                    # Of an attempt that was superseded, only the facts are ours to remove.
                    await self._delete_facts(batch)
        except Exception:
            # The next start sweeps; until then the facts are there and do not count.
            log.warning("batch not given up", batch=str(batch.id), exc_info=True)

    async def _discard(self, session: AsyncSession, batch: Batch, reason: str) -> None:
        batch.fail(reason)
        await self._delete_facts(batch)
        await BatchRepository(session).forget_quarantine(batch.id)

    async def _delete_facts(self, batch: Batch) -> None:
        await self._analytics.execute(
            f"DELETE FROM {feed_of(batch.feed).table} WHERE load_id = {{load:UUID}}",  # noqa: S608 - a name of ours
            {"load": batch.load_id},
            patient=True,
        )


def _same(batch: Batch, new: NewBatch, unit: Unit) -> bool:
    return (
        batch.unit_id == unit.id
        and batch.feed == new.feed
        and batch.source == new.source
        and (new.batch_id is None or batch.id == new.batch_id)
    )
