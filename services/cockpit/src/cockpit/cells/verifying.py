"""Cells recomputed from the facts and compared.

A slice is one place in one year: the calendar year, its terms, and the school year that begins in it.
ClickHouse computes it from all facts that count, with no use of cells, counters or person numbers.
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
from cockpit.cells import rules
from cockpit.cells.building import CellBuilder
from cockpit.cells.facts import CELL_FEEDS, CellFeed
from cockpit.cells.load_repository import LoadRepository
from cockpit.cells.repository import CellRepository
from cockpit.cells.rules import ALL, Calendar, Dimension, Grouping
from jobs.kinds import Periodic
from servicekit.db import Database

log = structlog.get_logger("cells")

WRONG = Counter("zhuxue_cockpit_wrong_cells_total", "Cells that differed from the facts when verified")

ATTEMPTS = 5
"""Attempts at a slice during which no load may begin to count."""
SAMPLE = 20
"""Places chosen each night."""
SECONDS = 1_800
"""A recount of the centre reads every fact of a year."""
LIMIT = 100_000
"""Cells of a slice: more are not in one place and year."""

_PERIOD = {
    Calendar.YEAR: "toString(year)",
    Calendar.SCHOOL_YEAR: "toString(if(term = 'spring', year - 1, year))",
    Calendar.TERM: "concat(toString(year), '-', term)",
}

_RECOUNT = """
SELECT period, __DIMENSIONS__ sum(net_amount) AS amount, sum(net_times) AS times,
       countIf(net_times > 0) AS persons
FROM (
    SELECT __PERIOD__ AS period, __DIMENSIONS__ person_token,
           sum(amount * sign) AS net_amount, sum(sign) AS net_times
    FROM __TABLE__
    WHERE __COUNTED__
      AND (unit_path = {path:String} OR startsWith(unit_path, concat({path:String}, '.')))
      AND year BETWEEN {first:UInt16} AND {last:UInt16}
    GROUP BY period, __DIMENSIONS__ person_token
)
WHERE period IN {periods:Array(String)}
GROUP BY __DIMENSIONS__ period
HAVING times != 0
"""

Shown = tuple[str, str, str, str, str]
"""Calendar, period, stage, programme, funding."""
Values = tuple[Decimal, int, int]
"""Yuan, person-times, persons."""


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

    async def slice(self, feed: str, path: str, year: int) -> Verdict:
        """Verify one place and year. Raises as `Analytics.query` does."""
        verdict = Verdict(path, year, 0, (), settled=False)
        for _ in range(ATTEMPTS):
            await self._builder.mark()
            before = await self._loads()
            stored = await self._stored(feed, path, year)
            computed = await self._computed(CELL_FEEDS[feed], path, stored, year)
            if await self._loads() == before:
                return self._compare(path, year, stored, computed)
        return verdict

    async def code(self, feed: str, code: str, year: int) -> list[Verdict]:
        """Verify a unit at all of its places."""
        async with self._database.transaction() as session:
            paths = await CellRepository(session).paths(code)
        return [await self.slice(feed, path, year) for path in paths]

    async def sample(self) -> list[Verdict]:
        """Verify some random slices; log and count what differs."""
        verdicts: list[Verdict] = []
        for feed in CELL_FEEDS:
            async with self._database.transaction() as session:
                slices = await CellRepository(session).some_slices(
                    feed, [random.random() for _ in range(SAMPLE)]
                )
            for path, period in slices:
                verdict = await self.slice(feed, path, int(period))
                verdicts.append(verdict)
                for wrong in verdict.differences:
                    WRONG.inc()
                    log.error(
                        "cell differs from the facts",
                        path=wrong.path,
                        cell=wrong.cell,
                        stored=wrong.stored,
                        computed=wrong.computed,
                    )
        log.info("cells verified", slices=len(verdicts), cells=sum(one.compared for one in verdicts))
        return verdicts

    def nightly(self) -> Periodic:
        """Return the verification of a sample as a periodic task."""
        return Periodic("cockpit.cells.verify", self.sample, cron="30 3 * * *")

    async def _loads(self) -> int:
        async with self._database.transaction() as session:
            return await LoadRepository(session).loads_counted()

    async def _stored(self, feed: str, path: str, year: int) -> dict[Shown, Values]:
        async with self._database.transaction() as session:
            rows = await CellRepository(session).slice(feed, path, _periods(year), LIMIT)
        return {(row[0], *row[1:5]): (row[5], row[6], row[7]) for row in rows}

    async def _computed(
        self, feed: CellFeed, path: str, stored: dict[Shown, Values], year: int
    ) -> dict[Shown, Values]:
        """Return the cells of the slice by the facts. Which combinations a place has is told by its cells."""
        office = any(calendar != Calendar.YEAR for calendar, *_ in stored)
        computed: dict[Shown, Values] = {}
        for calendar in Calendar if office else (Calendar.YEAR,):
            for grouping in rules.GROUPINGS if office else rules.SCHOOL_GROUPINGS:
                for row in await self._recount(feed, path, calendar, grouping, year):
                    shown = tuple(str(row.get(d.value, ALL)) for d in Dimension)
                    key = (calendar.value, row["period"], *shown)
                    computed[key] = (row["amount"], row["times"], row["persons"])
        return computed

    async def _recount(
        self, feed: CellFeed, path: str, calendar: Calendar, grouping: Grouping, year: int
    ) -> list[dict[str, Any]]:
        dimensions = "".join(f"{one.value}, " for one in Dimension if one in grouping)
        sql = (
            _RECOUNT.replace("__DIMENSIONS__", dimensions)
            .replace("__PERIOD__", _PERIOD[calendar])
            .replace("__TABLE__", feed.table)
            .replace("__COUNTED__", COUNTED)
        )
        periods = [period for kind, period in _periods(year) if kind is calendar]
        return await self._analytics.query(
            sql,
            {"path": path, "first": year, "last": year + 1, "periods": periods},
            writing=True,
            seconds=SECONDS,
        )

    def _compare(
        self, path: str, year: int, stored: dict[Shown, Values], computed: dict[Shown, Values]
    ) -> Verdict:
        keys = sorted(stored.keys() | computed.keys())
        wrong = [
            Difference(path, key, stored.get(key), computed.get(key))
            for key in keys
            if stored.get(key) != computed.get(key)
        ]
        return Verdict(path, year, len(keys), wrong)


def _periods(year: int) -> list[tuple[Calendar, str]]:
    return [
        (Calendar.YEAR, str(year)),
        (Calendar.SCHOOL_YEAR, str(year)),
        *((Calendar.TERM, f"{year}-{term}") for term in rules.TERMS),
    ]
