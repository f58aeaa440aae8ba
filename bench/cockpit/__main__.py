"""Measure cells at national scale against the same questions asked to the facts; see docs/benchmarks.md."""

import argparse
import asyncio
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import text

from bench.cockpit.facts import FIRST_YEAR
from bench.cockpit.serving import Served, served
from bench.cockpit.world import ROOT, Loading, batches, store, units
from bench.common.servers import on_server
from bench.common.statistics import percentile
from bench.common.tables import machine, python_versions, table, write
from cockpit.analytics.schema import COUNTED
from cockpit.analytics.store import Analytics
from cockpit.base import MIGRATIONS
from cockpit.cells.rules import COUNTRY, Calendar, Dimension, Tree, grouping
from cockpit.cells.service import Ask, CellRef, Cells
from cockpit.cells.verifying import Verifier
from cockpit.feeds.declarations import FeedName
from cockpit.models import Unit
from onebox.facts.feeds import ROWS
from servicekit.db import Database
from servicekit.migrations import upgrade

YEAR = FIRST_YEAR + 1
CLIENTS = 16

# What an overview asked before there were cells.
_FACTS = f"""
SELECT grouping(stage) AS any_stage, grouping(funding) AS any_funding, stage, funding,
       sum(net_amount) AS total_amount, sum(net_times) AS total_times, uniqExact(person_token) AS persons
FROM (
    SELECT person_token, stage, funding, sum(amount * sign) AS net_amount, sum(sign) AS net_times
    FROM award_facts
    WHERE {COUNTED}
      AND (unit_path = {{path:String}} OR startsWith(unit_path, concat({{path:String}}, '.')))
      AND year = {{year:UInt16}}
    GROUP BY person_token, stage, funding
    HAVING net_times > 0
)
GROUP BY GROUPING SETS ((), (stage), (funding))
"""  # noqa: S608 - only the constant above

Figure = tuple[Decimal, int, int]


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.cockpit", description=__doc__)
    parser.add_argument("--facts", type=int, default=10_000_000, help="how many awards (10000000)")
    parser.add_argument("--feeds", choices=["all", "award"], default="all", help="all: what follows, too")
    parser.add_argument("--batch", type=int, default=20_000, help="most facts of a batch (20000)")
    parser.add_argument("--copies", type=int, default=1, help="persons that a row stands for; facts × (1)")
    parser.add_argument("--by-province", action="store_true", help="batches of provinces, not of counties")
    parser.add_argument("--schools", type=int, default=10, help="schools of a county (10)")
    parser.add_argument("--within", default="", help="only counties whose code begins like this; 37…")
    parser.add_argument("--runs", type=int, default=200, help="requests of each view (200)")
    parser.add_argument("--quick", action="store_true", help="8,000 awards of one city, 50 requests")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    given = parser.parse_args(argv)
    if given.quick:
        given.facts, given.runs, given.schools, given.within = 8_000, 50, 2, "3701"
    return given


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _timed(call: Callable[[], Awaitable[object]], runs: int, clients: int) -> tuple[list[float], float]:
    """Return milliseconds of each call, and this process's CPU milliseconds of one."""
    times: list[float] = []

    async def client(share: int) -> None:
        for _ in range(share):
            began = time.perf_counter()
            await call()
            times.append((time.perf_counter() - began) * 1000)

    before = _cpu()
    await asyncio.gather(*(client(max(1, runs // clients)) for _ in range(clients)))
    return times, (_cpu() - before) * 1000 / len(times)


def _shown(awards: dict[str, Any]) -> dict[tuple[str, str], Figure]:
    def figure(part: dict[str, Any]) -> Figure:
        return Decimal(part["amount"]["yuan"]), part["person_times"], part["persons"]

    return {
        ("", ""): figure(awards),
        **{(part["code"], ""): figure(part) for part in awards["by_stage"]},
        **{("", part["code"]): figure(part) for part in awards["by_funding"]},
    }


def _recounted(rows: list[dict[str, Any]]) -> dict[tuple[str, str], Figure]:
    return {
        ("" if row["any_stage"] else row["stage"], "" if row["any_funding"] else row["funding"]): (
            row["total_amount"],
            row["total_times"],
            row["persons"],
        )
        for row in rows
    }


async def views(
    cockpit: Served,
    places: dict[str, Unit],
    runs: int,
) -> list[list[str]]:
    """Return a row for each level. Raises AssertionError if a view differs from the facts."""
    rows = []
    for level, unit in places.items():
        viewer = places["county"] if level == "school" else unit
        headers = cockpit.bearer(viewer)

        async def view(unit: Unit = unit, headers: dict[str, str] = headers) -> dict[str, Any]:
            answer = await cockpit.http.get(
                "/api/v1/overview", params={"unit": str(unit.id), "year": YEAR}, headers=headers
            )
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return found

        async def recount(unit: Unit = unit) -> list[dict[str, Any]]:
            analytics: Analytics = cockpit.app.state.analytics
            return await analytics.query(_FACTS, {"path": unit.path, "year": YEAR}, seconds=1_800)

        assert _shown((await view())["awards"]) == _recounted(await recount()), f"{level} differs"
        one, one_cpu = await _timed(view, runs, 1)
        many, _ = await _timed(view, runs, CLIENTS)
        facts, facts_cpu = await _timed(recount, 3, 1)
        rows.append(
            [
                level,
                *(f"{percentile(times, 0.99):,.1f}" for times in (one, many)),
                f"{one_cpu:,.1f}",
                f"{percentile(facts, 0.5):,.0f}",
                f"{facts_cpu:,.0f}",
            ]
        )
        sys.stderr.write("  ".join(rows[-1]) + "\n")
    return rows


PAGES = {
    FeedName.AWARD: (Calendar.YEAR, Dimension.STAGE),
    FeedName.ENROLMENT: (Calendar.SCHOOL_YEAR, Dimension.STAGE),
    FeedName.HARDSHIP: (Calendar.SCHOOL_YEAR, Dimension.HARDSHIP_TYPE),
    FeedName.PAYMENT: (Calendar.YEAR, Dimension.PAYMENT_STATE),
    FeedName.FUND_FLOW: (Calendar.YEAR, Dimension.FLOW_KIND),
    FeedName.LOAN: (Calendar.YEAR, Dimension.LOAN_KIND),
}
"""What a page about a feed asks for: a calendar, and the dimension that it tells apart."""
VERIFIED = ("centre", "city by territory")
COLUMNS = {
    "centre": (Tree.AUTHORITY, ROOT),
    "province": (Tree.AUTHORITY, "370000"),
    "city": (Tree.AUTHORITY, "370100"),
    "county": (Tree.AUTHORITY, "370102"),
    "country by territory": (Tree.TERRITORY, COUNTRY),
    "city by territory": (Tree.TERRITORY, "370100"),
}


async def pages(cockpit: Served, feeds: Sequence[FeedName], runs: int) -> list[list[str]]:
    """Return a row for each feed: a page of a place with all places below it, read in one statement.

    Raises AssertionError if a cell of the centre, or of the city by territory, differs from the facts.
    """
    database: Database = cockpit.app.state.database
    verifier: Verifier = cockpit.app.state.cell_verifier
    rows = []
    for feed in feeds:
        calendar, dimension = PAGES[feed]
        times: list[float] = []
        shown: list[str] = []
        for name, (tree, code) in COLUMNS.items():
            ask = partial(Ask, feed, tree, calendar, [code], [str(YEAR)])
            asked = [ask(), ask(by=grouping(dimension)), ask(below=True)]

            async def page(asked: list[Ask] = asked) -> object:
                async with database.transaction() as session:
                    return await Cells(session).ask(asked)

            took, _ = await _timed(page, runs, 1)
            shown.append(f"{percentile(took, 0.99):,.1f}")
            if name in VERIFIED:
                began = time.perf_counter()
                for verdict in await verifier.code(feed.value, code, YEAR, tree):
                    assert verdict.settled, verdict
                    assert not verdict.differences, verdict.differences[:3]
                times.append(time.perf_counter() - began)
        rows.append([feed.value, *shown, f"{times[0] * 1000:,.0f}"])
        sys.stderr.write("  ".join(rows[-1]) + "\n")
    return rows


_BOTH = f"""
SELECT count() AS n FROM (
    SELECT person_token FROM hardship_facts WHERE {COUNTED} AND year = {{year:UInt16}}
    GROUP BY person_token HAVING sum(sign) > 0
    INTERSECT
    SELECT person_token FROM award_facts
    WHERE {COUNTED} AND if(term = 'spring', year - 1, year) = {{year:UInt16}}
    GROUP BY person_token HAVING sum(sign) > 0
)
"""  # noqa: S608 - only the constant above


async def listed_and_aided(cockpit: Served) -> list[list[str]]:
    """Return how long the persons of the country who are listed and aided take, at first and again."""
    database: Database = cockpit.app.state.database
    where = Tree.AUTHORITY, Calendar.SCHOOL_YEAR, ROOT, str(YEAR)
    times, cpu, count = [], [], 0
    for _ in range(2):
        began, used = time.perf_counter(), _cpu()
        async with database.transaction() as session:
            cells = Cells(session, cockpit.app.state.cell_overlaps)
            count = await cells.persons_in_both(
                CellRef(FeedName.HARDSHIP, *where), CellRef(FeedName.AWARD, *where)
            )
        times.append((time.perf_counter() - began) * 1000)
        cpu.append((_cpu() - used) * 1000)
    found = await cockpit.app.state.analytics.query(_BOTH, {"year": YEAR}, seconds=1_800)
    assert found[0]["n"] == count, (found, count)
    return [
        ["persons both listed and aided", f"{count:,}"],
        ["counting them, first / again (ms)", f"{times[0]:,.0f} / {times[1]:,.1f}"],
        ["the same, Python CPU (ms)", f"{cpu[0]:,.0f} / {cpu[1]:,.1f}"],
    ]


async def measure(given: argparse.Namespace, url: str, folder: str) -> None:
    """Load the facts in batches, ask each view, print the results."""
    await upgrade(MIGRATIONS, url)
    async with served(url, folder) as cockpit:
        app = cockpit.app
        database: Database = app.state.database
        analytics: Analytics = app.state.analytics
        world = units(given.schools)
        await store(database, world)
        loading = Loading(database, analytics, app.state.cell_builder, world, given.copies)
        began, cpu, loaded = time.perf_counter(), _cpu(), 0
        told = began
        feeds = tuple(ROWS) if given.feeds == "all" else (FeedName.AWARD,)
        for feed, place, part in batches(
            given.facts,
            given.batch,
            1,
            given.schools,
            given.within,
            feeds,
            by_province=given.by_province,
        ):
            await loading.load(feed, place, part)
            loaded = loading.times.loaded
            if time.perf_counter() - told > 20:
                told = time.perf_counter()
                sys.stderr.write(f"{loaded:,} facts in {told - began:,.0f} s\n")
        await app.state.cell_builder.mark()
        took, used = time.perf_counter() - began, _cpu() - cpu
        async with database.engine.connect() as connection:
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM ANALYZE"))
            sizes = (await connection.execute(text(_SIZES))).one()
        sys.stderr.write(f"{loaded:,} facts loaded in {took:,.0f} s\n")
        places = {
            "centre": world[ROOT],
            "province": world["370000"],
            "city": world["370100"],
            "county": world["370102"],
            "school": world["3701020001"],
        }
        rows = await views(cockpit, places, given.runs)
        feed_rows = await pages(cockpit, feeds, given.runs)
        overlap = await listed_and_aided(cockpit) if given.feeds == "all" else []
    times = loading.times
    count = len(times.commit)

    def spread(seconds: list[float]) -> str:
        return f"{percentile(seconds, 0.5) * 1000:,.0f} / {percentile(seconds, 0.99) * 1000:,.0f}"

    others = [
        ["batches", f"{count:,}"],
        ["cells changed by a batch, mean", f"{times.cells / count:,.0f}"],
        ["writing the facts, p50 / p99 (ms)", spread(times.facts)],
        ["reading them back and numbering persons, p50 / p99 (ms)", spread(times.prepare)],
        ["committing with the cells, p50 / p99 (ms)", spread(times.commit)],
        ["facts a second through all three", f"{loaded / took:,.0f}"],
        ["CPU of Cockpit with chDB for a million facts (s)", f"{used * 1e6 / loaded:,.1f}"],
        ["cells", f"{sizes.cells:,.0f}"],
        ["size of the cells (MiB)", f"{sizes.cell_bytes / 2**20:,.0f}"],
        ["size of the counters of persons (MiB)", f"{sizes.person_bytes / 2**20:,.0f}"],
        ["size of the numbers of persons (MiB)", f"{sizes.number_bytes / 2**20:,.0f}"],
        ["peak memory of Cockpit with chDB (MiB)", f"{_peak():,.0f}"],
    ]
    columns = [
        "overview of",
        "cells p99 (ms)",
        f"{CLIENTS} clients p99 (ms)",
        "Python CPU (ms)",
        "facts p50 (ms)",
        "facts CPU (ms)",
    ]
    lines = [
        (
            f"`make bench-cockpit`, {loaded:,} facts, {machine()};"
            f" {', '.join(python_versions('sqlalchemy', 'asyncpg', 'chdb-core'))}."
            " Requests in the process, without sockets. Every figure was equal."
        ),
        "",
        *table(columns, rows),
        "",
        *table(["page of", *(f"{name}, p99 (ms)" for name in COLUMNS), "verify the centre (ms)"], feed_rows),
        "",
        *table(["loading", "measured"], [*others, *overlap]),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.write:
        write("cockpit", "\n".join(lines))


_SIZES = """
SELECT (SELECT count(*) FROM cell_figures) AS cells, pg_total_relation_size('cell_figures') AS cell_bytes,
       pg_total_relation_size('cell_counters') AS person_bytes,
       pg_total_relation_size('person_numbers') AS number_bytes
"""


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main(given: argparse.Namespace, url: str) -> None:
    """Measure with the facts in a folder that is deleted afterwards."""
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="zhuxue-bench-")
    try:
        await measure(given, url, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


if __name__ == "__main__":
    options = arguments()
    on_server(lambda url: main(options, url))
