"""Queries over the facts of a load, for cells, and the marks of the loads that count."""

import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cockpit.analytics.store import Analytics

PAGE = 20_000
"""Sums of one page: some tens of megabytes, for a load of any size."""


@dataclass(frozen=True)
class CellFeed:
    """Where the facts of a feed with cells are."""

    name: str
    table: str


AWARDS = CellFeed("award", "award_facts")
CELL_FEEDS = {feed.name: feed for feed in (AWARDS,)}

_SUMS = """
SELECT unit_path, year, term, stage, programme, funding,
       sum(net_amount) AS amount, sum(net_times) AS times,
       groupArray(person_token) AS tokens, groupArray(net_times) AS nets
FROM (
    SELECT unit_path, year, term, stage, programme, funding, person_token,
           sum(amount * sign) AS net_amount, sum(sign) AS net_times
    FROM __TABLE__
    WHERE load_id = {load:UUID}
      AND (unit_path, year, term, stage, programme, funding)
        > ({path:String}, {year:UInt16}, {term:String}, {stage:String}, {programme:String}, {funding:String})
    GROUP BY unit_path, year, term, stage, programme, funding, person_token
)
GROUP BY unit_path, year, term, stage, programme, funding
ORDER BY unit_path, year, term, stage, programme, funding
LIMIT {page:UInt32}
"""

_MARKS = """
SELECT DISTINCT toString(load_id) AS id FROM counted_loads
WHERE id > {after:String} ORDER BY id LIMIT {page:UInt32}
"""

Row = dict[str, Any]


class Marks:
    """The loads that the store of facts knows to count: a set."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def add(self, loads: Sequence[UUID]) -> None:
        """Add loads."""
        lines = io.BytesIO(b"".join(json.dumps([str(load)]).encode() + b"\n" for load in loads))
        await self._analytics.insert("counted_loads", ["load_id"], lines)

    async def count(self) -> int:
        """Return the number of loads."""
        rows = await self._analytics.query("SELECT uniqExact(load_id) AS n FROM counted_loads", writing=True)
        return int(rows[0]["n"])

    async def after(self, load: str, limit: int) -> list[UUID]:
        """Return the loads whose ids follow, in the order of their texts."""
        rows = await self._analytics.query(_MARKS, {"after": load, "page": limit}, writing=True)
        return [UUID(row["id"]) for row in rows]

    async def remove(self, load: UUID) -> None:
        """Remove a load."""
        await self._analytics.execute(
            "DELETE FROM counted_loads WHERE load_id = {load:UUID}", {"load": load}, patient=True
        )


class LoadFacts:
    """Read the facts of a load."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def sums(self, feed: CellFeed, load_id: UUID) -> AsyncIterator[list[Row]]:
        """Yield the sums of a load, a page at a time, ordered by path."""
        after: Row = {"unit_path": "", "year": 0, "term": "", "stage": "", "programme": "", "funding": ""}
        while True:
            rows = await self._analytics.query(
                _SUMS.replace("__TABLE__", feed.table),
                {
                    "load": load_id,
                    "path": after["unit_path"],
                    **{name: after[name] for name in ("year", "term", "stage", "programme", "funding")},
                    "page": PAGE,
                },
                writing=True,
            )
            if rows:
                yield rows
            if len(rows) < PAGE:
                return
            after = rows[-1]
