"""Writing facts to ClickHouse, one load at a time.

A load's facts count only while the load counts in PostgreSQL; until then, writes can be repeated, abandoned
or deleted at any time.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO
from uuid import UUID

from cockpit.analytics.store import Analytics
from cockpit.intake.errors import FactsIncomplete
from cockpit.intake.feeds import feed_of


class FactWriter:
    """Insert, reverse and delete the facts of loads."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def insert(self, feed: str, columns: Sequence[str], lines: BinaryIO) -> None:
        """Append the facts in `lines`, in the format of `line_of`, streamed as one insert."""
        await self._analytics.insert(feed_of(feed).table, columns, lines)

    async def check(self, feed: str, load_id: UUID, count: int) -> None:
        """Raise `FactsIncomplete` unless the load has the expected number of facts.

        A connection lost during an insert can make the client send it again, in part or twice.
        """
        found = await self._analytics.query(
            f"SELECT count() AS n FROM {feed_of(feed).table} WHERE load_id = {{load:UUID}}",  # noqa: S608 - a constant table name
            {"load": load_id},
            writing=True,
        )
        if found[0]["n"] != count:
            raise FactsIncomplete

    async def reverse(self, feed: str, load_id: UUID, reversal_id: UUID) -> None:
        """Write the facts of a load with the opposite sign, as another load."""
        # The inner query keeps aliases out of its WHERE, where ClickHouse would let them shadow the columns.
        table = feed_of(feed).table
        await self._analytics.execute(
            f"INSERT INTO {table} SELECT * REPLACE("  # noqa: S608 - a constant table name
            "{new:UUID} AS load_id, toInt8(-sign) AS sign, now64(3, 'UTC') AS recorded_at)"
            f" FROM (SELECT * FROM {table} WHERE load_id = {{old:UUID}})",
            {"new": reversal_id, "old": load_id},
        )

    async def delete(self, feed: str, load_id: UUID) -> None:
        """Delete the facts of a load that does not count."""
        await self._analytics.execute(
            f"DELETE FROM {feed_of(feed).table} WHERE load_id = {{load:UUID}}",  # noqa: S608 - a constant table name
            {"load": load_id},
            patient=True,
        )


class PublishedLines:
    """Read back the lines of a published table as they were taken in."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def page(self, load_id: UUID, after: Sequence[Any] | None, limit: int) -> list[dict[str, Any]]:
        """Return lines ordered by year, scope, stage and funding, up to `limit` + 1."""
        year, *words = after or (0, "", "", "")
        return await self._analytics.query(
            "SELECT year, scope, stage, funding, amount, share_percent, persons FROM aggregate_facts"
            " WHERE load_id = {load:UUID} AND (year, scope, stage, funding) >"
            " ({year:UInt16}, {scope:String}, {stage:String}, {funding:String})"
            " ORDER BY year, scope, stage, funding LIMIT {limit:UInt32}",
            {"load": load_id, "year": year, **dict(zip(_WORDS, words, strict=True)), "limit": limit + 1},
        )


_WORDS = ("scope", "stage", "funding")


def line_of(fact: Sequence[Any]) -> bytes:
    """Format a fact as one line of ClickHouse's JSONCompactEachRow."""
    return json.dumps(fact, default=str, ensure_ascii=False).encode() + b"\n"


def instant_of(moment: datetime) -> str:
    """Format a time for ClickHouse, in milliseconds and UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
