"""The rows of a feed that do not agree with other feeds, found in the store of facts.

A row is looked at among the facts of its persons, units and years only: of a load, or of the units at some
paths in a year. What the other feed has is read once, in buckets that fit into memory.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from cockpit.analytics.schema import COUNTED
from cockpit.analytics.store import Analytics
from cockpit.feeds import crosschecks
from cockpit.feeds.crosschecks import AFTER_SCHOOL, CHECKS, SPANS, CrossCheck
from cockpit.feeds.declarations import Feed, FeedName
from cockpit.intake.closures import Closures

BUCKET_ROWS = 2_000_000
"""Rows, of a load or of the other feed, of which one query holds the identities."""
SECONDS = 300
ANSWER_SECONDS = 60

Row = dict[str, Any]

_PERSON = "cityHash64(person_token)"
_SIZE = """
SELECT count() AS facts, min(unit_path) AS low, max(unit_path) AS high, min(year) AS first, max(year) AS last
FROM __TABLE__ WHERE __SCOPE__
"""
_OTHERS = """
SELECT count() AS facts FROM __OTHER__
WHERE year BETWEEN {first:UInt16} AND {last:UInt16}
      AND unit_path >= {low:String} AND unit_path < {high:String}
"""
# A record counts if its facts add up to more than none.
_MINE = """
SELECT __COLUMNS__, argMaxIf(unit_path, recorded_at, sign > 0) AS path, sum(sign) AS net
FROM __TABLE__ WHERE __SCOPE__ AND __PART__
GROUP BY __COLUMNS__ HAVING net > 0
"""
# The records with the content that a batch gave them: it is the last one that has not taken that back itself.
_MINE_OF_BATCH = """
SELECT __COLUMNS__, argMaxIf(batch_id, added, part > 0) AS batch, maxIf(added, part > 0) AS at,
       sum(part) AS net
FROM (
    SELECT __COLUMNS__, __CONTENT__ AS content, batch_id, sum(sign) AS part,
           maxIf(recorded_at, sign > 0) AS added
    FROM __TABLE__ WHERE __SCOPE__ AND __PART__
    GROUP BY __COLUMNS__, content, batch_id HAVING part != 0
)
GROUP BY __COLUMNS__, content HAVING net > 0 AND batch = {of_batch:UUID}
"""
_UNITS = "SELECT unit_code FROM __TABLE__ WHERE __SCOPE__"
# At a unit or below it: found by the order of the table, and by the codes of units that have moved since.
_ENROLLED = """
SELECT cityHash64(code, person_token, year) FROM (
    SELECT arrayJoin(splitByChar('.', unit_path)) AS code, person_token, year, sign FROM enrolment_facts
    WHERE __COUNTED__ AND __YEARS__ AND __PART__ AND unit_path >= {low:String} AND unit_path < {high:String}
    UNION ALL
    SELECT unit_code AS code, person_token, year, sign FROM enrolment_facts
    WHERE __COUNTED__ AND __YEARS__ AND __PART__ AND unit_code GLOBAL IN (__UNITS__)
)
WHERE code GLOBAL IN (__UNITS__)
GROUP BY code, person_token, year HAVING sum(sign) > 0
"""
_YEARS = "year BETWEEN {first:UInt16} - 1 AND {last:UInt16}"
_AWARDED = """
SELECT cityHash64(unit_code, record_id) FROM award_facts
WHERE __COUNTED__ AND __AWARD_PART__ AND unit_code GLOBAL IN (__UNITS__)
GROUP BY unit_code, record_id HAVING sum(sign) > 0
"""
# All enrolments of the persons, wherever: of each, those that share a day with another but the first or last.
_TWICE = """
SELECT cityHash64(one.1, person_token, year, one.2) FROM (
    SELECT person_token, year, groupArray((unit_code, entered_on, until)) AS all FROM (
        SELECT unit_code, person_token, year, entered_on,
               ifNull(left_on, makeDate32(year + 1, 8, 31)) AS until
        FROM enrolment_facts
        WHERE (__COUNTED__ __OR_OWN__) AND year BETWEEN {first:UInt16} AND {last:UInt16} AND __PART__
              AND cityHash64(person_token) GLOBAL IN (
                  SELECT cityHash64(person_token) FROM enrolment_facts WHERE __SCOPE__)
        GROUP BY unit_code, person_token, year, entered_on, left_on HAVING sum(sign) > 0
    )
    GROUP BY person_token, year HAVING count() > 1
)
ARRAY JOIN all AS one
WHERE arrayExists(other -> other != one AND other.2 < one.3 AND one.2 < other.3, all)
"""
_CLOSED = """
arrayExists((code, since, until) -> code = unit_code AND since < __FIRST__ AND __LAST__ < until,
            {codes:Array(String)}, {since:Array(Date32)}, {until:Array(Date32)})
"""


_ROWS = "__WITH__ SELECT *, __IDENTITY__ AS id FROM (__MINE__) WHERE __VIOLATED__"
_COUNT = "SELECT count() AS n FROM (__ROWS__)"
_BY_PATH = "SELECT path, count() AS n, __PERSONS__ AS persons FROM (__ROWS__) GROUP BY path"
_CODES = "SELECT DISTINCT unit_code FROM __TABLE__ WHERE __SCOPE__"
_FIRST = "SELECT * FROM (__ROWS__) ORDER BY unit_code, id LIMIT {limit:UInt32}"
_NEXT = """
SELECT * FROM (__ROWS__) WHERE (unit_code, id) > ({unit:String}, {id:UInt64})
ORDER BY unit_code, id LIMIT {limit:UInt32}
"""
_WITH = {
    crosschecks.AWARD_WITHOUT_ENROLMENT: "WITH enrolled AS (__ENROLLED__)",
    crosschecks.HARDSHIP_WITHOUT_ENROLMENT: "WITH enrolled AS (__ENROLLED__)",
    crosschecks.PAYMENT_WITHOUT_AWARD: "WITH awarded AS (__AWARDED__)",
    crosschecks.ENROLLED_TWICE: "WITH twice AS (__TWICE__)",
}


def _enrolled(year: str) -> str:
    return f"cityHash64(unit_code, person_token, toUInt16({year})) GLOBAL IN enrolled"


_VIOLATED: Mapping[str, str] = {
    crosschecks.AWARD_WITHOUT_ENROLMENT: (
        f"programme NOT IN {AFTER_SCHOOL} AND NOT multiIf(term = 'spring', {_enrolled('year - 1')},"
        f" term = 'autumn', {_enrolled('year')}, {_enrolled('year - 1')} OR {_enrolled('year')})"
    ),
    crosschecks.HARDSHIP_WITHOUT_ENROLMENT: f"NOT {_enrolled('year')}",
    crosschecks.PAYMENT_WITHOUT_AWARD: ("cityHash64(unit_code, award_record_id) GLOBAL NOT IN awarded"),
    crosschecks.ENROLLED_TWICE: ("cityHash64(unit_code, person_token, year, entered_on) GLOBAL IN twice"),
    crosschecks.UNIT_CLOSED: _CLOSED,
}
EVALUATED = frozenset(_VIOLATED)
"""The checks that can be asked again at any time."""
_COLUMNS: Mapping[FeedName, tuple[str, ...]] = {
    FeedName.AWARD: ("record_id", "term", "programme", "person_token"),
    FeedName.ENROLMENT: ("person_token", "entered_on", "left_on"),
    FeedName.HARDSHIP: ("person_token", "list_source", "hardship_type", "valid_from", "valid_to"),
    FeedName.PAYMENT: ("record_id", "award_record_id", "person_token", "due_on"),
    FeedName.FUND_FLOW: ("record_id", "moved_on"),
    FeedName.LOAN: ("record_id", "person_token", "granted_on"),
}
_OTHER = {
    crosschecks.AWARD_WITHOUT_ENROLMENT: "enrolment_facts",
    crosschecks.HARDSHIP_WITHOUT_ENROLMENT: "enrolment_facts",
    crosschecks.PAYMENT_WITHOUT_AWARD: "award_facts",
    crosschecks.ENROLLED_TWICE: "enrolment_facts",
}


def below(paths: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the condition for facts of units at or below some paths, and its parameters."""
    named = {f"path{number}": path for number, path in enumerate(paths)}
    condition = " OR ".join(
        f"unit_path = {{{name}:String}} OR startsWith(unit_path, concat({{{name}:String}}, '.'))"
        for name in named
    )
    return condition, named


@dataclass(frozen=True)
class Scope:
    """Which facts are looked at, as a condition with parameters.

    `own` is a load that does not count yet, `batch` the one from which the content of a record must be.
    """

    condition: str
    parameters: Mapping[str, Any]
    own: bool = False
    batch: bool = False

    @classmethod
    def of_load(cls, load_id: UUID) -> "Scope":
        """Return the rows of a load, whether it counts or not."""
        return cls("load_id = {load:UUID} AND sign > 0", {"load": load_id}, own=True)

    @classmethod
    def of_batch(cls, feed: Feed, batch_id: UUID, load_id: UUID) -> "Scope":
        """Return the records that count with the content that a batch gave them."""
        identity = f"cityHash64({', '.join(feed.identity)})"
        mine = f"FROM {feed.table} WHERE load_id = {{load:UUID}} AND sign > 0"
        condition = (
            f"{COUNTED} AND unit_code GLOBAL IN (SELECT unit_code {mine})"
            f" AND {identity} GLOBAL IN (SELECT {identity} {mine})"
        )
        return cls(condition, {"load": load_id, "of_batch": batch_id}, batch=True)

    @classmethod
    def of_places(cls, paths: Sequence[str], year: int) -> "Scope":
        """Return the facts of a year that units at or below some paths had at intake."""
        condition, named = below(paths)
        return cls(f"{COUNTED} AND year = {{year:UInt16}} AND ({condition})", {"year": year, **named})


class Found(NamedTuple):
    """How many rows do not agree, and about how many persons (rows, if they have none)."""

    rows: int
    persons: int

    def with_(self, other: "Found") -> "Found":
        """Return both together, of different persons."""
        return Found(self.rows + other.rows, self.persons + other.persons)


NOTHING = Found(0, 0)


@dataclass(frozen=True)
class Size:
    """How many facts there are in a scope, where and when."""

    facts: int
    ranges: Mapping[str, Any]


class Agreement:
    """Compare feeds. Tell the store first which loads count (`CellBuilder.mark`).

    For an `answer` to a reader, queries queue with those of other readers and not with the writes of intake,
    and end sooner.
    """

    def __init__(self, analytics: Analytics, *, answer: bool = False) -> None:
        self._analytics = analytics
        self._writing = not answer
        self._seconds = ANSWER_SECONDS if answer else SECONDS

    async def of_load(self, feed: Feed, load_id: UUID) -> Counter[str]:
        """Return how many rows of a load have which note, those about closed units excepted."""
        found: Counter[str] = Counter()
        checks = [check for check in CHECKS.get(feed.name, ()) if check.needs is not None]
        if not checks:
            return found
        scope = Scope.of_load(load_id)
        size = await self.size(feed, scope)
        for check in checks:
            for part in await self._parts(check, size):
                (row,) = await self._query(_of(_COUNT, feed, check, scope), scope, size, part)
                found[check.code] += row["n"]
        return +found

    async def size(self, feed: Feed, scope: Scope) -> Size:
        """Return the size of a scope."""
        sql = _SIZE.replace("__TABLE__", feed.table).replace("__SCOPE__", scope.condition)
        (row,) = await self._ask(sql, scope.parameters)
        # `/` follows `.`: below all of these paths.
        high = f"{row['high']}/"
        return Size(
            row["facts"], {"low": row["low"], "high": high, "first": row["first"], "last": row["last"]}
        )

    async def unit_codes(self, feed: Feed, scope: Scope) -> list[str]:
        """Return the codes of the units with facts in a scope."""
        sql = _CODES.replace("__TABLE__", feed.table).replace("__SCOPE__", scope.condition)
        return [row["unit_code"] for row in await self._ask(sql, scope.parameters)]

    async def by_path(
        self, feed: Feed, check: CrossCheck, scope: Scope, size: Size, closures: Closures
    ) -> dict[str, Found]:
        """Return how much does not agree, by the path of the unit at intake."""
        found: dict[str, Found] = {}
        sql = _of(_BY_PATH, feed, check, scope)
        for stays in _stays(check, size, closures):
            for part in await self._parts(check, size):
                for row in await self._query(sql, scope, size, part, stays):
                    before = found.get(row["path"], NOTHING)
                    found[row["path"]] = before.with_(Found(row["n"], row["persons"]))
        return found

    async def count(self, feed: Feed, check: CrossCheck, scope: Scope, size: Size, closures: Closures) -> int:
        """Return the number of rows that do not agree."""
        sql = _of(_COUNT, feed, check, scope)
        found = 0
        for stays in _stays(check, size, closures):
            for part in await self._parts(check, size):
                (row,) = await self._query(sql, scope, size, part, stays)
                found += row["n"]
        return found

    async def page(
        self,
        feed: Feed,
        check: CrossCheck,
        scope: Scope,
        size: Size,
        closures: Closures,
        after: tuple[str, int] | None,
        limit: int,
    ) -> list[Row]:
        """Return rows that do not agree, in the order of unit and identity."""
        sql = _of(_FIRST if after is None else _NEXT, feed, check, scope)
        given = {"buckets": 1, "bucket": 0} | ({} if after is None else {"unit": after[0], "id": after[1]})
        found: list[Row] = []
        for stays in _stays(check, size, closures):
            # Units are in the order of their codes, in the parts as in the page.
            if len(found) < limit and not (stays and after and stays.codes[-1] < after[0]):
                more = {**given, "limit": limit - len(found)}
                found += await self._query(sql, scope, size, more, stays)
        return found

    async def _parts(self, check: CrossCheck, size: Size) -> list[dict[str, Any]]:
        """Return the buckets in which a scope is compared."""
        # The facts of so many closed units as one query is about are fewer.
        rows = BUCKET_ROWS if check.code == crosschecks.UNIT_CLOSED else size.facts
        other = _OTHER.get(check.code)
        if other is not None and rows > BUCKET_ROWS // 100:
            (found,) = await self._ask(_OTHERS.replace("__OTHER__", other), size.ranges)
            rows = max(rows, found["facts"])
        count = max(1, -(-rows // BUCKET_ROWS))
        return [{"buckets": count, "bucket": bucket} for bucket in range(count)]

    async def _query(
        self,
        sql: str,
        scope: Scope,
        size: Size,
        part: Mapping[str, Any],
        closures: Closures | None = None,
    ) -> list[Row]:
        given = {**scope.parameters, **size.ranges, **part}
        if closures is not None and "{codes:" in sql:
            given |= {"codes": closures.codes, "since": closures.since, "until": closures.until}
        return await self._ask(sql, given)

    async def _ask(self, sql: str, given: Mapping[str, Any]) -> list[Row]:
        return await self._analytics.query(sql, given, writing=self._writing, seconds=self._seconds)


def _stays(check: CrossCheck, size: Size, closures: Closures) -> Sequence[Closures | None]:
    """Return the closed stays for each query of a check; None if it does not look at them."""
    if not size.facts:
        return ()
    return closures.parts() if check.code == crosschecks.UNIT_CLOSED else (None,)


def _bucket(of: str) -> str:
    return f"{of} % {{buckets:UInt32}} = {{bucket:UInt32}}"


def _of(query: str, feed: Feed, check: CrossCheck, scope: Scope) -> str:
    """Return a query about the rows of a scope that a check finds; every name in it is a constant."""
    columns = ("unit_code", "year", *_COLUMNS[feed.name])
    paying = check.code == crosschecks.PAYMENT_WITHOUT_AWARD
    # Found by the codes before they are compared with the days of each.
    among = " AND unit_code IN {codes:Array(String)}" if check.code == crosschecks.UNIT_CLOSED else ""
    by_person = _bucket(_PERSON) if "person_token" in columns else "1"
    for mark, words in (
        ("__ROWS__", _ROWS),
        ("__VIOLATED__", _VIOLATED[check.code]),
        ("__WITH__", _WITH.get(check.code, "")),
        ("__MINE__", _MINE_OF_BATCH if scope.batch else _MINE),
        ("__ENROLLED__", _ENROLLED),
        ("__AWARDED__", _AWARDED),
        ("__TWICE__", _TWICE),
        ("__UNITS__", _UNITS),
        ("__YEARS__", _YEARS),
        ("__OR_OWN__", "OR load_id = {load:UUID}" if scope.own else ""),
        ("__PERSONS__", "uniqExact(person_token)" if "person_token" in columns else "count()"),
        ("__SCOPE__", f"{scope.condition}{among}"),
        ("__CONTENT__", f"sipHash128(toString(tuple({', '.join(feed.content)})))"),
        ("__COUNTED__", COUNTED),
        ("__AWARD_PART__", _bucket("cityHash64(unit_code, record_id)")),
        ("__PART__", _bucket("cityHash64(unit_code, award_record_id)") if paying else by_person),
        ("__FIRST__", SPANS[feed.name].first),
        ("__LAST__", SPANS[feed.name].last),
        ("__COLUMNS__", ", ".join(columns)),
        ("__IDENTITY__", f"cityHash64({', '.join(feed.identity)})"),
        ("__TABLE__", feed.table),
    ):
        query = query.replace(mark, words)
    return query
