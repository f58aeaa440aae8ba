"""Queries over the facts of a load, for cells."""

from collections.abc import AsyncIterator
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

Row = dict[str, Any]


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
