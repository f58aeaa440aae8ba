"""The records that count, compared with those of a load: in the store of facts, a set of rows at a time.

A record is what has one identity (`Feed.identity`). It counts if its facts add up to more than none: a batch
that is withdrawn, a correction and a deletion write facts with the opposite sign. The rows of a load are in
the store, and do not count yet, when they are compared; so one query compares any number of them, and reads
only the facts of their units.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cockpit.analytics.schema import COUNTED
from cockpit.analytics.store import Analytics
from cockpit.feeds.declarations import Feed
from cockpit.intake.errors import FactsIncomplete
from cockpit.intake.identities import key_of
from cockpit.intake.known import REFUSED, Record, Refusal, Refused
from contracts.intake import BatchMode

COMPARED_ROWS = 4_000_000
"""Rows of a load of which one query holds the identities."""
ANSWERED_ROWS = 100_000
"""Rows of a load about which one query answers."""
SECONDS = 600
"""A national load is compared with all facts."""


@dataclass(frozen=True)
class Matched:
    """What of the counting records has the identities of a load.

    `facts` is the number of different facts, `current` of those that count, `signature` changes with these.
    """

    facts: int
    current: int
    signature: int


class Records:
    """Compare loads with the records that count.

    Tell the store first which loads count (`CellBuilder.mark`).
    """

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def matched(self, feed: Feed, load_id: UUID, rows: int) -> Matched:
        """Return what counts of the identities of a load with so many rows."""
        facts = current = signature = 0
        for parameters in _buckets(load_id, rows, COMPARED_ROWS):
            (row,) = await self._query(_of(feed, _MATCHED), parameters)
            facts += row["facts"]
            current += row["current"]
            signature ^= row["signature"]
        return Matched(facts, current, signature)

    async def refused(
        self, feed: Feed, load_id: UUID, mode: BatchMode, rows: int
    ) -> AsyncIterator[list[Refused]]:
        """Yield the rows of a load that a batch of this mode cannot take in."""
        states = sorted(REFUSED[mode])
        for parameters in _buckets(load_id, rows, ANSWERED_ROWS):
            found = await self._query(_of(feed, _REFUSED), {**parameters, "states": states})
            yield [Refused(key_of(row, feed), _refusal(row)) for row in found]

    async def earlier(self, feed: Feed, load_id: UUID, rows: int) -> set[UUID]:
        """Return the batches that have written to the records of a load, and still count."""
        found: set[UUID] = set()
        for parameters in _buckets(load_id, rows, COMPARED_ROWS // 4):
            found |= {UUID(row["id"]) for row in await self._query(_of(feed, _EARLIER), parameters)}
        return found

    async def reverse(self, feed: Feed, rows_of: UUID, rows: int, load_id: UUID, batch_id: UUID) -> None:
        """Write the facts that count of the records of `rows_of` with the opposite sign, as `load_id`."""
        for parameters in _buckets(rows_of, rows, COMPARED_ROWS // 4):
            await self._analytics.execute(
                _of(feed, _REVERSE), {**parameters, "new": load_id, "batch": batch_id}
            )

    async def check(self, feed: Feed, load_id: UUID, plus: int, minus: int) -> None:
        """Raise `FactsIncomplete` unless the load has so many facts and reversing facts."""
        (row,) = await self._query(_of(feed, _SIGNS), {"load": load_id})
        if (row["plus"], row["minus"]) != (plus, minus):
            raise FactsIncomplete

    async def _query(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        return await self._analytics.query(sql, parameters, writing=True, seconds=SECONDS)


# `GLOBAL`, because the rows of a load may be on other shards than the facts of its units were.
#
# The facts of the identities of a load, or of a bucket of them: found by 64 bits, which cost a tenth of texts
# when all facts have to be read, and made certain by 128 bits (`_SURE`) for the few that are found.
_MINE = """
unit_code GLOBAL IN (SELECT unit_code FROM __TABLE__ WHERE load_id = {load:UUID})
AND cityHash64(__IDENTITY__) GLOBAL IN (
    SELECT cityHash64(__IDENTITY__) AS h FROM __TABLE__
    WHERE load_id = {load:UUID} AND h % {buckets:UInt32} = {bucket:UInt32}
)
"""
_SURE = """
any(sipHash128(__IDENTITY__)) GLOBAL IN (
    SELECT sipHash128(__IDENTITY__) FROM __TABLE__ WHERE load_id = {load:UUID}
)
"""
_MATCHED = """
SELECT count() AS facts, sumIf(net, net > 0) AS current,
       groupBitXorIf(cityHash64(toString(tuple(__KEPT__, net))), net > 0) AS signature
FROM (
    SELECT __KEPT__, sum(sign) AS net FROM __TABLE__ WHERE __COUNTED__ AND __MINE__
    GROUP BY __KEPT__
    HAVING __SURE__
)
"""
_REFUSED = """
SELECT __IDENTITY__, toString(argMaxIf(batch, at, net > 0)) AS earlier,
       multiIf(countIf(net > 0) = 0, 0, countIf(net > 0 AND mine > 0) > 0, 1, 2) AS state
FROM (
    SELECT __IDENTITY__, __CONTENT__ AS content, sumIf(sign, NOT own) AS net,
           countIf(own AND sign > 0) AS mine, argMaxIf(batch_id, recorded_at, NOT own AND sign > 0) AS batch,
           maxIf(recorded_at, NOT own AND sign > 0) AS at
    FROM (
        SELECT *, load_id = {load:UUID} AS own FROM __TABLE__
        WHERE (load_id = {load:UUID} OR __COUNTED__) AND __MINE__
    )
    GROUP BY __IDENTITY__, content
    HAVING __SURE__
)
GROUP BY __IDENTITY__
HAVING state IN {states:Array(UInt8)}
"""
_EARLIER = """
SELECT DISTINCT toString(batch_id) AS id
FROM (
    SELECT batch_id, __IDENTITY__, __CONTENT__ AS content, unit_path, sum(sign) AS net
    FROM __TABLE__ WHERE __COUNTED__ AND __MINE__
    GROUP BY batch_id, __IDENTITY__, content, unit_path
    HAVING net != 0 AND __SURE__
)
"""
# Inner aliases differ from the columns, which they would shadow in the WHERE.
_REVERSE = """
INSERT INTO __TABLE__ (batch_id, load_id, source, sign, recorded_at, __KEPT__)
SELECT {batch:UUID}, {new:UUID}, said, toInt8(-1), now64(3, 'UTC'), __KEPT__
FROM (
    SELECT __KEPT__, argMax(source, recorded_at) AS said, sum(sign) AS net
    FROM __TABLE__ WHERE __COUNTED__ AND __MINE__
    GROUP BY __KEPT__
    HAVING net > 0 AND __SURE__
)
ARRAY JOIN range(toUInt64(net)) AS _copy
"""
_SIGNS = """
SELECT countIf(sign > 0) AS plus, countIf(sign < 0) AS minus FROM __TABLE__ WHERE load_id = {load:UUID}
"""
_OF_ITS_LOAD = {"batch_id", "load_id", "source", "sign", "recorded_at"}


def _of(feed: Feed, query: str) -> str:
    """Return a query about a feed; every name in it is a constant of the declaration."""
    kept = ", ".join(name for name in feed.facts if name not in _OF_ITS_LOAD)
    for mark, words in (
        ("__MINE__", _MINE),
        ("__SURE__", _SURE),
        ("__COUNTED__", COUNTED),
        ("__CONTENT__", f"sipHash128(toString(tuple({', '.join(feed.content)})))"),
        ("__IDENTITY__", ", ".join(feed.identity)),
        ("__KEPT__", kept),
        ("__TABLE__", feed.table),
    ):
        query = query.replace(mark, words)
    return query


def _refusal(row: dict[str, Any]) -> Refusal:
    record = Record(row["state"])
    return Refusal(record, None if record is Record.NONE else UUID(row["earlier"]))


def _buckets(load_id: UUID, rows: int, most: int) -> list[dict[str, Any]]:
    count = max(1, -(-rows // most))
    return [{"load": load_id, "buckets": count, "bucket": bucket} for bucket in range(count)]
