"""Operations on batches: receive, list, read and reverse."""

from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.cells.building import CellBuilder
from cockpit.cells.service import Cells
from cockpit.directory.models import Unit
from cockpit.feeds import personal, rules
from cockpit.feeds.declarations import FeedName
from cockpit.intake.errors import (
    BatchInProgress,
    BatchKeyRequired,
    BatchNotFound,
    NotPublished,
    PersonalNumber,
)
from cockpit.intake.facts import FactWriter, PublishedLines
from cockpit.intake.loading import Checked
from cockpit.intake.models import Batch
from cockpit.intake.quarantine import Quarantine
from cockpit.intake.receiving import NewBatch, Receiver
from cockpit.intake.repository import BatchFilter, BatchRepository
from contracts.intake import BatchStatus
from servicekit.clock import Clock
from servicekit.db import release
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest, Total


class FoundBatch(NamedTuple):
    """A batch and its unit; None if the unit is no longer in the replica."""

    batch: Batch
    unit: Unit | None


class Batches:
    """Manage the batches of a caller's subtree, within the request's transaction."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        access: Access,
        facts: FactWriter,
        builder: CellBuilder,
        cells: Cells,
        receiver: Receiver,
        quarantine: Quarantine,
        lines: PublishedLines,
    ) -> None:
        self._session = session
        self._clock = clock
        self._access = access
        self._facts = facts
        self._builder = builder
        self._cells = cells
        self._receiver = receiver
        self._quarantine = quarantine
        self._lines = lines
        self._batches = BatchRepository(session)

    async def receive(
        self, actor: Principal, new: NewBatch, chunks: AsyncIterable[bytes]
    ) -> tuple[FoundBatch, bool]:
        """Receive a file. Return the batch, and whether this call committed it.

        Raises the errors of `errors`, `UnitNotFound`, `UnitOutOfReach` and `BodyTooLarge`.
        """
        if new.batch_id is None and new.key is None:
            raise BatchKeyRequired
        if any(personal.find(text) for text in (new.source, new.key or "")):
            raise PersonalNumber
        unit = await self._access.unit(actor, new.unit, "intake.create")
        # The receiver opens its own transactions, and the duration of an upload is not bounded.
        await release(self._session)
        batch, ours = await self._receiver.receive(actor.sub, new, unit, chunks)
        return FoundBatch(batch, unit), ours

    async def check(self, actor: Principal, new: NewBatch, chunks: AsyncIterable[bytes]) -> Checked:
        """Judge a file as `receive` would, and keep nothing. Raises as `receive` does for the file itself."""
        if personal.find(new.source):
            raise PersonalNumber
        unit = await self._access.unit(actor, new.unit, "intake.check")
        await release(self._session)
        return await self._receiver.check(new, unit, chunks)

    async def below(
        self, actor: Principal, unit_id: UUID | None, wanted: BatchFilter, paging: PageRequest
    ) -> Listed[FoundBatch]:
        """Return batches of a unit's subtree, newest first."""
        unit = await self._access.unit(actor, unit_id, "intake.list")
        found = await self._batches.below(unit.path, wanted, paging)
        return Listed([FoundBatch(*row) for row in found.items], found.next, found.total)

    async def get(self, actor: Principal, batch_id: UUID) -> tuple[FoundBatch, dict[str, int]]:
        """Return a batch and the number of its quarantined rows by code.

        Raises `BatchNotFound`, `UnitOutOfReach`.
        """
        found = await self._find(actor, batch_id, "intake.read")
        if found.batch.reasons is not None:
            return found, dict(Counter(found.batch.reasons).most_common())
        return found, await self._batches.reasons(batch_id) if found.batch.rejected else {}

    async def quarantined(self, actor: Principal, batch_id: UUID) -> AsyncIterator[str]:
        """Stream the quarantined rows of a batch as CSV. Raises `BatchNotFound`, `UnitOutOfReach`."""
        found = await self._find(actor, batch_id, "intake.quarantine")
        return self._quarantine.csv(found.batch)

    async def published(
        self, actor: Principal, batch_id: UUID, page: PageRequest
    ) -> tuple[list[dict[str, Any]], Total]:
        """Return the lines of a published table, up to one more than the limit, and the number of all; none
        unless it counted.

        Raises `BatchNotFound`, `UnitOutOfReach`, `NotPublished`.
        """
        batch, _ = await self._find(actor, batch_id, "intake.published")
        if batch.feed != FeedName.PUBLISHED_AGGREGATE:
            raise NotPublished
        after = page.key(rules.year, str, str, str, str, str)
        if batch.status not in {BatchStatus.COMMITTED, BatchStatus.REVERSED}:
            return [], Total.of(0)
        total = Total.of(batch.accepted)
        await release(self._session)
        return await self._lines.page(batch.load_id, after, page.limit), total

    async def reverse(self, actor: Principal, batch_id: UUID) -> FoundBatch:
        """Reverse a batch: write its facts with the opposite sign, so that the two cancel out.

        Idempotent. Raises `BatchNotFound`, `UnitOutOfReach`, `BatchNotReversible`, `ReversalIncomplete`.
        """
        batch, unit = await self._find(actor, batch_id, "intake.reverse")
        if batch.status is BatchStatus.REVERSED:
            return FoundBatch(batch, unit)
        batch.check_reversible()
        # Discarded until it counts: if this request ends early, the sweep deletes the written facts.
        load_id = new_id()
        await self._batches.discard(batch.feed, load_id, self._clock.now())
        await release(self._session)
        await self._facts.reverse(batch.feed, batch.load_id, load_id)
        await self._receiver.keep(load_id)
        deltas = await self._builder.prepare(
            batch.feed, load_id, partial(self._receiver.keep, load_id), reverses=batch.load_id
        )
        current = await self._batches.locked(batch_id)
        if current is None:
            raise BatchNotFound
        if current.status is not BatchStatus.REVERSED:
            if not await self._batches.withdraw_discard(load_id):
                raise BatchInProgress
            current.reverse(load_id, actor.sub, self._clock.now())
            await self._cells.apply(deltas)
        return FoundBatch(current, unit)

    async def commit_times(self, ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """Return the commit time of each batch."""
        return await self._batches.commit_times(ids)

    async def _find(self, actor: Principal, batch_id: UUID, action: str) -> FoundBatch:
        await self._access.own(actor)
        found = await self._batches.get(batch_id)
        if found is None:
            raise BatchNotFound
        batch, unit = found
        await self._access.place(actor, batch.unit_id, batch.unit_path, action)
        return FoundBatch(batch, unit)
