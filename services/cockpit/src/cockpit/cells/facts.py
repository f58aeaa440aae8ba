"""Queries over the facts of a load, for cells, and the marks of the loads that count."""

import io
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from cockpit.analytics.store import Analytics
from cockpit.cells.dimensions import CellFeed

PAGE = 5_000
"""Sums of one page. Each may change a hundred cells if no other is like it, so this bounds memory, whatever
the size of a load."""
ALIKE = 20
"""Facts that cost about as much as a sum, if they differ from others in the person only."""

# Ranges of places with about a page of sums each, in one pass.
_RANGES = """
SELECT max(unit_path) AS upto, sum(cost) AS costs
FROM (
    SELECT unit_path, cost, sum(cost) OVER (ORDER BY unit_path) AS so_far
    FROM (
        SELECT unit_path, greatest(uniqExact(__DIFFERENT__), intDiv(count(), {alike:UInt32})) AS cost
        FROM __TABLE__ WHERE load_id = {load:UUID} GROUP BY unit_path
    )
)
GROUP BY intDiv(so_far - 1, {page:UInt32})
ORDER BY upto
"""
_SUMS = """
SELECT __SHOWN__, sum(net_amount) AS amount, sum(net_times) AS times, sum(net_weight) AS weight
       __PERSONS__
FROM (
    SELECT __KEPT__, __TOKEN__
           sum(toDecimal128(__AMOUNT__, 2) * (sign * __SIGN__)) AS net_amount,
           sum(sign * __SIGN__) AS net_times,
           sum(toDecimal128(__WEIGHT__, 2) * (sign * __SIGN__)) AS net_weight
    FROM __TABLE__
    WHERE load_id = {load:UUID} AND unit_path > {after:String} AND unit_path <= {upto:String} __PART__
    GROUP BY __SHOWN__ __BY_TOKEN__
)
GROUP BY __SHOWN__
ORDER BY place
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
        await self._analytics.delete("counted_loads", "load_id = {load:UUID}", {"load": load})


def ranges_of(feed: CellFeed) -> str:
    """Return the query for the ranges of places in which a load is read."""
    different = ", ".join(("region_code", *feed.periods.values(), *feed.columns.values()))
    return _RANGES.replace("__DIFFERENT__", different).replace("__TABLE__", feed.table)


def sums_of(feed: CellFeed, *, part: bool = False) -> str:
    """Return the query for the sums of a load, or of a `part` of the persons of a place with many facts."""
    kept = {
        "place": "unit_path",
        "region": "region_code",
        **{f"period_{calendar.value}": sql for calendar, sql in feed.periods.items()},
        **{f"value_{dimension.value}": sql for dimension, sql in feed.columns.items()},
    }
    # What has no persons is one fact to the other.
    split = "person_token" if feed.persons else "record_id"
    words = {
        "__SHOWN__": ", ".join(kept),
        "__KEPT__": ", ".join(f"{sql} AS {name}" for name, sql in kept.items()),
        "__PERSONS__": ", groupArray(token) AS tokens, groupArray(net_times) AS nets" if feed.persons else "",
        "__TOKEN__": "person_token AS token," if feed.persons else "",
        "__BY_TOKEN__": ", token" if feed.persons else "",
        "__AMOUNT__": feed.amount,
        "__WEIGHT__": feed.weight,
        "__SIGN__": feed.sign,
        "__TABLE__": feed.table,
        "__PART__": f"AND cityHash64({split}) % {{parts:UInt32}} = {{part:UInt32}}" if part else "",
    }
    sql = _SUMS
    for word, text in words.items():
        sql = sql.replace(word, text)
    return sql


class LoadFacts:
    """Read the facts of a load."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def sums(self, feed: CellFeed, load_id: UUID) -> AsyncIterator[list[Row]]:
        """Yield the sums of a load, about `PAGE` at a time, ordered by path.

        Reads each fact twice, however many there are. A place with more sums or facts than a page is given in
        parts of its persons, each with all of their facts.
        """
        ranges = await self._analytics.query(
            ranges_of(feed), {"load": load_id, "page": PAGE, "alike": ALIKE}, writing=True
        )
        after = ""
        for one in ranges:
            here = {"load": load_id, "after": after, "upto": one["upto"]}
            parts = -(-int(one["costs"]) // PAGE)
            if parts < 3:
                yield await self._analytics.query(sums_of(feed), here, writing=True)
            else:
                for part in range(parts):
                    rows = await self._analytics.query(
                        sums_of(feed, part=True), {**here, "parts": parts, "part": part}, writing=True
                    )
                    if rows:
                        yield rows
            after = one["upto"]
