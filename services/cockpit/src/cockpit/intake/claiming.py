"""The beginning of a batch: which batch a file is, and whether it has to be loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.feeds import personal
from cockpit.feeds.declarations import FEEDS, FeedName
from cockpit.intake import files
from cockpit.intake.discarding import Discards
from cockpit.intake.errors import (
    BatchDuplicate,
    BatchIdReused,
    BatchInProgress,
    BatchKeyRequired,
    EditionsNotCorrected,
    ParentNotFound,
    PersonalNumber,
)
from cockpit.intake.models import Batch
from cockpit.intake.repository import BatchRepository
from cockpit.intake.steps import Reader
from contracts.intake import BatchMode, BatchStatus
from filekit.spool import SpooledFile
from servicekit.db import Database
from servicekit.ids import new_id


@dataclass(frozen=True)
class NewBatch:
    """The caller's description of a file.

    `batch_id` or `key`, one of which is required, identifies the batch of a repeated upload. `mode` is what
    its rows do to the records that count. `parent` is the batch whose quarantined rows it has, corrected.
    """

    feed: FeedName
    unit: UUID | None
    source: str
    batch_id: UUID | None
    key: str | None
    kind: files.FileKind
    mode: BatchMode = BatchMode.NEW
    parent: UUID | None = None

    def check(self) -> None:
        """Raise `BatchKeyRequired`, `PersonalNumber` or `EditionsNotCorrected` unless it may be kept."""
        if self.batch_id is None and self.key is None:
            raise BatchKeyRequired
        self.check_words()

    def check_words(self) -> None:
        """Raise `PersonalNumber` or `EditionsNotCorrected` unless the file may be judged."""
        if any(personal.find(text) for text in (self.source, self.key or "")):
            raise PersonalNumber
        if self.mode is not BatchMode.NEW and FEEDS[self.feed].editions:
            raise EditionsNotCorrected


class Claims:
    """Claim batches, each in a transaction of its own."""

    def __init__(
        self,
        database: Database,
        stale_after: timedelta,
        discards: Discards,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._stale_after = stale_after
        self._discards = discards
        self._now = now

    async def claim(
        self, sub: str, new: NewBatch, unit: Unit, upload: SpooledFile, reader: Reader
    ) -> tuple[Batch, bool]:
        """Return the batch to load, or (with False) the batch that was loaded before.

        Raises `BatchIdReused`, `BatchInProgress`, `BatchDuplicate`, `ParentNotFound`.
        """
        now, made_id, load_id = self._now(), new_id(), new_id()
        async with self._discards.beginning(load_id), self._database.transaction() as session:
            batches = BatchRepository(session)
            await check_parent(batches, new, unit.id)
            inserted = await batches.claim(
                {
                    "id": made_id,
                    "batch_id": new.batch_id,
                    "feed": new.feed,
                    "source": new.source,
                    "unit_id": unit.id,
                    "unit_path": unit.path,
                    "client_key": new.key,
                    "mode": new.mode,
                    "parent_id": new.parent,
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
                batch = await _earlier(batches, new, unit)
            if batch is None or not _same(batch, new, unit):
                raise BatchIdReused
            if batch.status in {BatchStatus.COMMITTED, BatchStatus.REVERSED}:
                if batch.sha256 != upload.sha256:
                    raise BatchIdReused
                return batch, False
            if batch.status is BatchStatus.REJECTED and batch.sha256 == upload.sha256 and not inserted:
                return batch, False
            await check_twin(batches, batch, upload.sha256)
            if inserted:
                return batch, True
            if batch.status is BatchStatus.REJECTED:
                await batches.forget_quarantine(batch.id)
            if batch.status is BatchStatus.RECEIVING:
                if batch.touched_at > now - self._stale_after and not self._discards.ended(batch.load_id):
                    raise BatchInProgress
                await self._discards.discard(batches, batch, "interrupted", now)
            form = new.kind.format, reader.encoding, reader.headings
            batch.begin(load_id, upload.sha256, upload.size, form, now)
            return batch, True


async def check_resubmission(session: AsyncSession, new: NewBatch, unit_id: UUID) -> None:
    """Raise `ParentNotFound` as `Claims.claim` will, before the file arrives."""
    await check_parent(BatchRepository(session), new, unit_id)


async def check_parent(batches: BatchRepository, new: NewBatch, unit_id: UUID) -> None:
    """Raise `ParentNotFound` unless the batch whose rows are sent again, if any, is one of the unit."""
    if new.parent is None:
        return
    found = await batches.get(new.parent)
    if found is None or found[0].unit_id != unit_id or found[0].feed != new.feed or not found[0].rejected:
        raise ParentNotFound


async def check_twin(batches: BatchRepository, batch: Batch, sha256: bytes) -> None:
    """Raise `BatchDuplicate` if the same file counts as another batch. Corrections may repeat a file."""
    if batch.mode is BatchMode.NEW:
        twin = await batches.twin(batch, sha256)
        if twin is not None:
            raise BatchDuplicate.of(twin)


async def _earlier(batches: BatchRepository, new: NewBatch, unit: Unit) -> Batch | None:
    """Return the batch of the unit that has the caller's id or key already."""
    batch = None
    if new.batch_id is not None:
        batch = await batches.locked_by_batch_id(unit.id, new.batch_id)
    if batch is None and new.key is not None:
        batch = await batches.locked_by_key(unit.id, new.key)
    return batch


def _same(batch: Batch, new: NewBatch, unit: Unit) -> bool:
    return (
        batch.unit_id == unit.id
        and batch.feed == new.feed
        and batch.source == new.source
        and batch.mode is new.mode
        and batch.parent_id == new.parent
        and (new.batch_id is None or batch.batch_id == new.batch_id)
    )
