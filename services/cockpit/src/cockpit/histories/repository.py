"""The versions of one record in the store of facts."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.analytics.schema import COUNTED
from cockpit.analytics.store import Analytics
from cockpit.directory.models import Unit
from cockpit.feeds.declarations import Feed
from cockpit.intake.agreement import below
from cockpit.intake.models import Batch
from contracts.vocabulary import Vocabulary

SECONDS = 20
MOST_FACTS = 200
"""Facts of one record id: some units may use the same."""

Row = dict[str, Any]

_FACTS = """
SELECT unit_code, batch_id, load_id, source, sign, recorded_at, year, __SHOWN__
FROM __TABLE__
WHERE __COUNTED__ AND record_id = {record:String} AND unit_code IN {units:Array(String)}
ORDER BY recorded_at, sign, batch_id
LIMIT {limit:UInt32}
"""
_ANYWHERE = """
SELECT DISTINCT unit_code FROM __TABLE__
WHERE __COUNTED__ AND record_id = {record:String}
      AND (__BELOW__)
LIMIT {limit:UInt32}
"""
HIDDEN = frozenset({"person_token", "card_token"})
MOST_UNITS = 20


class What(Vocabulary):
    """What a fact did to its record."""

    ADDED = "added", "计入"
    TAKEN_BACK = "taken_back", "冲销"


class How(Vocabulary):
    """Why a fact was written."""

    NEW = "new", "新增"
    CORRECTION = "correction", "更正"
    DELETION = "deletion", "删除"
    WITHDRAWAL = "withdrawal", "撤回批次"


class HistoryFacts:
    """Read the facts that count of one record. Tell the store first which loads count."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def units(self, feed: Feed, record_id: str, paths: Sequence[str]) -> list[str]:
        """Return the units at or below some paths that have a record with this id."""
        condition, named = below(paths)
        given = {"record": record_id, "limit": MOST_UNITS, **named}
        sql = _of(_ANYWHERE, feed).replace("__BELOW__", condition)
        rows = await self._analytics.query(sql, given, seconds=SECONDS)
        return sorted(row["unit_code"] for row in rows)

    async def facts(self, feed: Feed, record_id: str, units: Sequence[str]) -> list[Row]:
        """Return the facts of a record id at some units, in the order of time."""
        rows = await self._analytics.query(
            _of(_FACTS, feed),
            {"record": record_id, "units": list(units), "limit": MOST_FACTS + 1},
            seconds=SECONDS,
        )
        # A correction takes back what was there, and then adds: however its facts were written.
        begun: dict[UUID, Any] = {}
        for row in rows:
            begun.setdefault(row["load_id"], row["recorded_at"])
        return sorted(rows, key=lambda row: (begun[row["load_id"]], row["load_id"], row["sign"]))


def shown_of(feed: Feed) -> list[str]:
    """Return the facts' columns of a feed that are shown besides its origin."""
    return [column.stored for column in feed.measures if column.stored != "record_id"]


def _of(query: str, feed: Feed) -> str:
    for mark, words in (
        ("__SHOWN__", ", ".join(shown_of(feed))),
        ("__COUNTED__", COUNTED),
        ("__TABLE__", feed.table),
    ):
        query = query.replace(mark, words)
    return query


class HistoryRepository:
    """Read the batches of facts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def batches(self, ids: Collection[UUID]) -> dict[UUID, tuple[Batch, str]]:
        """Return batches by id, with the path of their unit now, or at intake if the unit is gone."""
        found = await self._session.execute(
            select(Batch, func.coalesce(Unit.path, Batch.unit_path))
            .outerjoin(Unit, Unit.id == Batch.unit_id)
            .where(Batch.id.in_(ids))
        )
        return {row[0].id: (row[0], row[1]) for row in found}
