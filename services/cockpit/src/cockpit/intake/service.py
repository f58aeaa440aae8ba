"""Reading of batches; `cockpit.intake.contributions` takes them in and withdraws them."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.directory.models import Unit
from cockpit.feeds.declarations import FeedName
from cockpit.intake.errors import BatchNotFound, NotPublished
from cockpit.intake.models import Batch
from cockpit.intake.quarantine import Quarantine
from cockpit.intake.record_repository import Family, RecordRepository
from cockpit.intake.repository import BatchFilter, BatchRepository
from cockpit.published.models import Entry
from cockpit.published.service import Published
from servicekit.lists import Listed
from servicekit.paging import PageRequest


class FoundBatch(NamedTuple):
    """A batch and its unit; None if the unit is no longer in the replica."""

    batch: Batch
    unit: Unit | None


class Batches:
    """Read the batches of a caller's subtree, within the request's transaction."""

    def __init__(
        self, session: AsyncSession, access: Access, quarantine: Quarantine, published: Published
    ) -> None:
        self._session = session
        self._access = access
        self._quarantine = quarantine
        self._published = published
        self._batches = BatchRepository(session)

    async def below(
        self, actor: Principal, unit_id: UUID | None, wanted: BatchFilter, paging: PageRequest
    ) -> Listed[FoundBatch]:
        """Return batches of a unit's subtree, newest first."""
        unit = await self._access.unit(actor, unit_id, "intake.list")
        found = await self._batches.below(unit.path, wanted, paging)
        return Listed([FoundBatch(*row) for row in found.items], found.next, found.total)

    async def get(self, actor: Principal, batch_id: UUID) -> tuple[FoundBatch, dict[str, int], Family]:
        """Return a batch, the number of its quarantined rows by code, and its family.

        Raises `BatchNotFound`, `UnitOutOfReach`.
        """
        found = await self.find(actor, batch_id, "intake.read")
        family = await RecordRepository(self._session).family(found.batch)
        if found.batch.reasons is not None:
            return found, dict(Counter(found.batch.reasons).most_common()), family
        return found, await self._batches.reasons(batch_id) if found.batch.rejected else {}, family

    async def quarantined(self, actor: Principal, batch_id: UUID) -> AsyncIterator[str]:
        """Stream the quarantined rows of a batch as CSV. Raises `BatchNotFound`, `UnitOutOfReach`."""
        found = await self.find(actor, batch_id, "intake.quarantine")
        return self._quarantine.csv(found.batch)

    async def published(self, actor: Principal, batch_id: UUID, page: PageRequest) -> Listed[Entry]:
        """Return the lines of a published table; none unless it counted.

        Raises `BatchNotFound`, `UnitOutOfReach`, `NotPublished`.
        """
        batch, _ = await self.find(actor, batch_id, "intake.published")
        if batch.feed != FeedName.PUBLISHED_AGGREGATE:
            raise NotPublished
        return await self._published.of_batch(batch.id, page)

    async def find(self, actor: Principal, batch_id: UUID, action: str) -> FoundBatch:
        """Return a batch in the caller's reach. Raises `BatchNotFound`, `UnitOutOfReach`."""
        await self._access.own(actor)
        found = await self._batches.get(batch_id)
        if found is None:
            raise BatchNotFound
        batch, unit = found
        await self._access.place(actor, batch.unit_id, batch.unit_path, action)
        return FoundBatch(batch, unit)
