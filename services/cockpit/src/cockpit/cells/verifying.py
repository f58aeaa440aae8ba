"""Cells recomputed from the facts and compared.

A slice is one place of a tree in one year: all periods that begin with it. ClickHouse computes it from all
facts that count, with no use of cells, counters or person numbers. Where the persons of each programme are
kept, so is how many persons have one, two, or more programmes: no cell says it, views count it from counters.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog
from prometheus_client import Counter

from cockpit.analytics.schema import COUNTED
from cockpit.analytics.store import Analytics
from cockpit.cells.building import CellBuilder
from cockpit.cells.dimensions import SECTOR_OF, CellFeed, grouping, name_of
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.load_repository import LoadRepository
from cockpit.cells.multiples import Multiples
from cockpit.cells.reading_repository import CellReader, Stored
from cockpit.cells.rules import COUNTRY, Calendar, Combination, Dimension, Grouping, Tree, code_of, has_city
from jobs.kinds import Periodic
from servicekit.db import Database

log = structlog.get_logger("cells")

WRONG = Counter("zhuxue_cockpit_wrong_cells_total", "Cells that differed from the facts when verified")

ATTEMPTS = 5
"""Attempts at a slice during which no load may begin to count."""
SAMPLE = 20
"""Places chosen each night, for each feed."""
SECONDS = 1_800
"""A recount of the centre reads every fact of a year."""
LIMIT = 200_000
"""Cells of a slice: more are not in one place and year."""

_RECOUNT = """
SELECT period, __NAMES__ sum(net_amount) AS amount, sum(net_times) AS times,
       sum(net_weight) AS weight, countIf(net_times > 0) AS persons
FROM (
    SELECT __PERIOD__ AS period, __VALUES__ __TOKEN__ AS token,
           sum(toDecimal128(__AMOUNT__, 2) * (sign * __SIGN__)) AS net_amount,
           sum(sign * __SIGN__) AS net_times,
           sum(toDecimal128(__WEIGHT__, 2) * (sign * __SIGN__)) AS net_weight
    FROM __TABLE__
    WHERE __COUNTED__ AND __PLACE__ AND __YEARS__
    GROUP BY __NAMES__ period, token
)
WHERE startsWith(period, {year:String})
GROUP BY __NAMES__ period
HAVING times != 0 OR amount != 0 OR weight != 0
"""
_SEVERAL = """
SELECT period, toString(least(programmes, 3)) AS number, count() AS persons
FROM (
    SELECT period, token, count() AS programmes
    FROM (
        SELECT __PERIOD__ AS period, __VALUES__ __TOKEN__ AS token, sum(sign * __SIGN__) AS net_times
        FROM __TABLE__
        WHERE __COUNTED__ AND __PLACE__ AND __YEARS__
        GROUP BY __NAMES__ period, token
        HAVING net_times > 0
    )
    GROUP BY period, token
)
WHERE startsWith(period, {year:String})
GROUP BY period, number
"""
_BY_PROGRAMME = grouping(Dimension.PROGRAMME)
_PLACES = {
    "unit": "(unit_path = {place:String} OR startsWith(unit_path, concat({place:String}, '.')))",
    "region": "startsWith(substring(region_code, 1, 6), {place:String})",
    "country": "{place:String} != ''",
}

Shown = tuple[str, str, Combination]
"""Calendar, period, values."""
Values = tuple[Decimal, int, Decimal, int]
"""Yuan, person-times, weight, persons."""


@dataclass(frozen=True)
class Difference:
    """A cell that differs from the facts; None where there is none."""

    path: str
    cell: Shown
    stored: Values | None
    computed: Values | None


@dataclass(frozen=True)
class Verdict:
    """What was compared. `settled` is False if loads began to count during each attempt."""

    feed: str
    tree: Tree
    path: str
    year: int
    compared: int
    differences: Sequence[Difference]
    settled: bool = True


class Verifier:
    """Compare cells with facts; one verifier serves the whole process."""

    def __init__(self, database: Database, analytics: Analytics, builder: CellBuilder) -> None:
        self._database = database
        self._analytics = analytics
        self._builder = builder

    async def slice(self, feed: str, path: str, year: int, tree: Tree = Tree.AUTHORITY) -> Verdict:
        """Verify one place and year. Raises as `Analytics.query` does."""
        for _ in range(ATTEMPTS):
            await self._builder.mark()
            before = await self._loads()
            stored = await self._stored(feed, path, year)
            computed = await self._computed(CELL_FEEDS[feed], tree, path, stored, year)
            # All loads known to count are in the cells, and were before.
            if before[0] == before[1] and await self._loads() == before:
                keys = sorted(stored.keys() | computed.keys())
                wrong = [
                    Difference(path, key, stored.get(key), computed.get(key))
                    for key in keys
                    if stored.get(key) != computed.get(key)
                ]
                return Verdict(feed, tree, path, year, len(keys), wrong)
        return Verdict(feed, tree, path, year, 0, (), settled=False)

    async def code(self, feed: str, code: str, year: int, tree: Tree = Tree.AUTHORITY) -> list[Verdict]:
        """Verify a unit at all of its places, or a region."""
        async with self._database.transaction() as session:
            paths = await CellReader(session).paths(tree, code)
        return [await self.slice(feed, path, year, tree) for path in paths]

    async def sample(self) -> list[Verdict]:
        """Verify some random slices of every feed and both trees; log and count what differs."""
        verdicts: list[Verdict] = []
        for feed in CELL_FEEDS:
            async with self._database.transaction() as session:
                slices = await CellReader(session).some_slices(feed, [random.random() for _ in range(SAMPLE)])
            for tree, path, year in slices:
                verdict = await self.slice(feed, path, year, tree)
                WRONG.inc(len(verdict.differences))
                for one in verdict.differences:
                    log.error(
                        "cell differs from the facts",
                        feed=feed,
                        path=one.path,
                        cell=str(one.cell),
                        stored=str(one.stored),
                        computed=str(one.computed),
                    )
                verdicts.append(verdict)
        return verdicts

    def nightly(self) -> Periodic:
        """Return the verification of a sample as a periodic task."""
        return Periodic("cockpit.cells.verify", self.sample, cron="30 3 * * *")

    async def _loads(self) -> tuple[int, int]:
        async with self._database.transaction() as session:
            return await LoadRepository(session).state()

    async def _stored(self, feed: str, path: str, year: int) -> dict[Shown, Values]:
        async with self._database.transaction() as session:
            reader = CellReader(session)
            rows = await reader.slice(feed, path, year, LIMIT)
            several = await _several(reader, rows)
        return several | {
            (str(row.code), row.period, tuple(sorted(row.values.items()))): (
                row.amount,
                row.times,
                row.weight,
                row.persons,
            )
            for row in rows
        }

    async def _computed(
        self, feed: CellFeed, tree: Tree, path: str, stored: dict[Shown, Values], year: int
    ) -> dict[Shown, Values]:
        """Return the cells of the slice by the facts. Which groupings a place has is told by its cells."""
        kept = {
            (calendar.value, name_of(one))
            for calendar in feed.offices
            for one in feed.offices[calendar]
            if one not in feed.kept(calendar, school=True)
        }
        office = tree is Tree.TERRITORY or any(
            (calendar, ",".join(name for name, _ in values)) in kept for calendar, _, values in stored
        )
        computed: dict[Shown, Values] = {}
        recount = _RECOUNT if feed.persons else _RECOUNT.replace("countIf(net_times > 0)", "0")
        for calendar in feed.periods:
            kept_here = feed.kept(calendar, school=not office)
            if feed.persons and _BY_PROGRAMME in kept_here:
                for row in await self._recount(_SEVERAL, feed, tree, path, calendar, _BY_PROGRAMME, year):
                    at = calendar.value, row["period"], _number(row["number"])
                    computed[at] = _persons(row["persons"])
            for dimensions in kept_here:
                for row in await self._recount(recount, feed, tree, path, calendar, dimensions, year):
                    values = tuple(sorted((one.value, row[f"value_{one.value}"]) for one in dimensions))
                    figures = row["amount"], row["times"], row["weight"], row["persons"]
                    computed[calendar.value, row["period"], values] = figures
        return computed

    async def _recount(
        self,
        sql: str,
        feed: CellFeed,
        tree: Tree,
        path: str,
        calendar: Calendar,
        dimensions: Grouping,
        year: int,
    ) -> list[dict[str, Any]]:
        place, parameter = _place(tree, path)
        # A date may lie in another year than the one stated, whose partitions are read otherwise.
        years = "1" if calendar in feed.dated else "year BETWEEN {first:UInt16} AND {last:UInt16}"
        words = {
            "__NAMES__": "".join(f"value_{one.value}, " for one in dimensions),
            "__VALUES__": "".join(f"{_value(feed, one)} AS value_{one.value}, " for one in dimensions),
            "__PERIOD__": feed.periods[calendar],
            "__TOKEN__": "person_token" if feed.persons else "''",
            "__AMOUNT__": feed.amount,
            "__WEIGHT__": feed.weight,
            "__SIGN__": feed.sign,
            "__TABLE__": feed.table,
            "__COUNTED__": COUNTED,
            "__PLACE__": place,
            "__YEARS__": years,
        }
        for word, text in words.items():
            sql = sql.replace(word, text)
        return await self._analytics.query(
            sql,
            {"place": parameter, "year": str(year), "first": year - 1, "last": year + 1},
            writing=True,
            seconds=SECONDS,
        )


async def _several(reader: CellReader, rows: Sequence[Stored]) -> dict[Shown, Values]:
    """Return the persons of each calendar and period by their number of programmes, as views count them."""
    programmes: dict[tuple[str, str], list[list[Stored]]] = {}
    for row in rows:
        if row.values.keys() == {Dimension.PROGRAMME.value}:
            programmes.setdefault((str(row.code), row.period), []).append([row])
    found: dict[Shown, Values] = {}
    for (calendar, period), groups in programmes.items():
        counts = await Multiples().persons(reader, groups)
        for number, persons in zip("123", counts, strict=True):
            if persons:
                found[calendar, period, _number(number)] = _persons(persons)
    return found


def _number(number: str) -> Combination:
    """Return where persons with one, two, or at least three programmes stand among the cells."""
    return (("number_of_programmes", number),)


def _persons(persons: int) -> Values:
    return Decimal(0), 0, Decimal(0), persons


def _value(feed: CellFeed, dimension: Dimension) -> str:
    if dimension is not Dimension.SECTOR:
        return feed.columns[dimension]
    stages, sectors = (
        ", ".join(f"'{one}'" for one in words) for words in zip(*SECTOR_OF.items(), strict=True)
    )
    return f"transform({feed.columns[Dimension.STAGE]}, [{stages}], [{sectors}], '')"


def _place(tree: Tree, path: str) -> tuple[str, str]:
    """Return the condition on facts for a place, and its parameter."""
    if tree is Tree.AUTHORITY:
        return _PLACES["unit"], path
    code = code_of(path)
    if code == COUNTRY:
        return _PLACES["country"], code
    if code.endswith("0000"):
        return _PLACES["region"], code[:2]
    return _PLACES["region"], code[:4] if code.endswith("00") and has_city(code) else code
