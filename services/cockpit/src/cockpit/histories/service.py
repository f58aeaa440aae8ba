"""The history of a record, for the unit that loaded it and those above it."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access import rules
from cockpit.access.service import Access
from cockpit.analytics.store import Analytics
from cockpit.cells.building import CellBuilder
from cockpit.feeds import personal
from cockpit.feeds.declarations import FEEDS, Feed, FeedName
from cockpit.histories.errors import NoRecordIds, RecordNotFound, UnitCodeRequired
from cockpit.histories.repository import (
    HIDDEN,
    MOST_FACTS,
    HistoryFacts,
    HistoryRepository,
    How,
    Row,
    What,
    shown_of,
)
from cockpit.histories.schemas import HistoryOut, VersionOut
from cockpit.individuals.rules import masked
from cockpit.individuals.service import Looks
from cockpit.intake.models import Batch
from servicekit.db import release


class Histories:
    """Histories within one request. No transaction is held while ClickHouse works."""

    def __init__(
        self, session: AsyncSession, looks: Looks, access: Access, builder: CellBuilder, analytics: Analytics
    ) -> None:
        self._session = session
        self._access = access
        self._builder = builder
        self._facts = HistoryFacts(analytics)
        self._batches = HistoryRepository(session)
        self._looks = looks

    async def of(self, actor: Principal, name: FeedName, record_id: str, unit_code: str | None) -> HistoryOut:
        """Return the versions of a record. Who asks is recorded before anything is read.

        Raises `NoRecordIds`, `UnitCodeRequired`, `RecordNotFound`, `UnitNotReplicated`, and the errors of the
        store.
        """
        feed = FEEDS[name]
        if "record_id" not in feed.by_name:
            raise NoRecordIds
        # No record has such an id, and the record of uses must not have it either.
        if personal.find(record_id):
            raise RecordNotFound
        own = await self._access.own(actor)
        if unit_code is None and own.level != rules.IN_CHARGE:
            raise UnitCodeRequired
        paths = sorted({own.path, *await self._looks.paths(own.code)})
        use = self._looks.record(actor, own, name, {"record_id": record_id}, "查看记录的历史")
        await release(self._session)
        await self._builder.mark()
        units = [unit_code] if unit_code else await self._facts.units(feed, record_id, paths)
        rows = await self._facts.facts(feed, record_id, units) if units else []
        found = await self._batches.batches({row["batch_id"] for row in rows})
        batches = {key: batch for key, (batch, _) in found.items()}
        # What a unit sent moves with it.
        seen = {key for key, (_, path) in found.items() if actor.reaches(path)}
        if not seen:
            raise RecordNotFound
        return HistoryOut(
            feed=name,
            record_id=record_id,
            counts=sum(row["sign"] for row in rows) > 0,
            complete=len(rows) <= MOST_FACTS,
            versions=[_version(row, feed, batches, seen) for row in rows[:MOST_FACTS]],
            use=use.id,
        )


def _version(row: Row, feed: Feed, batches: Mapping[UUID, Batch], seen: set[UUID]) -> VersionOut:
    batch = batches.get(row["batch_id"])
    named = batch is not None and batch.id in seen
    withdrawn = batch is not None and row["load_id"] == batch.reversal_load_id
    how = How.WITHDRAWAL if withdrawn or batch is None else How(batch.mode.value)
    values = {
        column: masked(row[column]) if column in HIDDEN else str(row[column])
        for column in shown_of(feed)
        if row[column] not in (None, "")
    }
    return VersionOut(
        what=What.ADDED if row["sign"] > 0 else What.TAKEN_BACK,
        how=how,
        batch_id=batch.id if batch is not None and named else None,
        batch_status=batch.status if batch is not None and named else None,
        source=row["source"] if named else None,
        at=row["recorded_at"],
        unit_code=row["unit_code"],
        year=row["year"],
        values=values,
    )
