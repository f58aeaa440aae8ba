"""A load is compared with the records that count, before it begins to count itself.

No transaction is open while the store of facts compares. So a batch counts only if no other has begun to
count, for units of the same stripes, since the versions were read; otherwise it is compared again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells.building import CellBuilder
from cockpit.feeds.declarations import Feed
from cockpit.intake.errors import RecordsMoved
from cockpit.intake.known import Known
from cockpit.intake.loading import Earlier, Origin
from cockpit.intake.record_repository import RecordRepository
from cockpit.intake.records import Matched, Records
from contracts.intake import BatchMode
from servicekit.db import Database
from servicekit.ltree import is_under


@dataclass(frozen=True)
class Loaded:
    """The rows of a load in the store: where, how many, about units of which stripes."""

    feed: Feed
    origin: Origin
    rows: int
    stripes: frozenset[int]


@dataclass(frozen=True)
class Comparison:
    """What a load found, at the versions of its stripes.

    `refused` are the rows that it cannot take in, None if there is none; `earlier` the batches whose records
    it changes.
    """

    versions: Mapping[int, int]
    matched: Matched
    refused: Earlier | None
    earlier: frozenset[UUID]

    def still_holds(self, later: "Comparison") -> bool:
        """Return whether what was found is what is found later."""
        return later.refused is None and later.matched == self.matched


class Comparer:
    """Compare loads; one comparer serves the whole process."""

    def __init__(self, database: Database, records: Records, builder: CellBuilder) -> None:
        self._database = database
        self._records = records
        self._builder = builder

    async def compare(self, loaded: Loaded) -> Comparison:
        """Compare the rows of a load with the records that count. Raises as `Analytics.query` does."""
        feed, origin, rows = loaded.feed, loaded.origin, loaded.rows
        if feed.editions:
            return Comparison({}, Matched(0, 0, 0), None, frozenset())
        async with self._database.transaction() as session:
            versions = await RecordRepository(session).versions(feed.name, loaded.stripes)
        # After the versions: what has begun to count since then changes them.
        await self._builder.mark()
        matched = await self._records.matched(feed, origin.load_id, rows)
        known = Known()
        if matched.current or origin.mode is not BatchMode.NEW:
            async for page in self._records.refused(feed, origin.load_id, origin.mode, rows):
                known.add(page)
        if len(known):
            named = await self._named(known.earlier(), origin.unit.path)
            return Comparison(versions, matched, Earlier(known, named), frozenset())
        earlier = await self._records.earlier(feed, origin.load_id, rows) if matched.facts else set()
        return Comparison(versions, matched, None, frozenset(earlier - {origin.batch_id}))

    async def _named(self, batches: Collection[UUID], path: str) -> frozenset[UUID]:
        """Return those of some batches that every reader of a batch of the unit at `path` may see."""
        async with self._database.transaction() as session:
            paths = await RecordRepository(session).paths(batches)
        return frozenset(batch for batch, at in paths.items() if is_under(at, path))


async def settle(session: AsyncSession, batch_id: UUID, feed: str, found: Comparison) -> None:
    """Let a load count that was compared, in the transaction in which it begins to count.

    Locks the versions of its stripes. Raises `RecordsMoved` if other loads have begun to count since then.
    """
    records = RecordRepository(session)
    if found.versions and await records.advance(feed, found.versions) != found.versions:
        raise RecordsMoved
    await records.succeed(batch_id, found.earlier)
