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
from pathlib import Path
from typing import Any

from bench.cockpit import many, modules
from bench.cockpit.facts import FIRST_YEAR
from bench.cockpit.filling import feeds_of, fill
from bench.cockpit.peer import Peer
from bench.cockpit.serving import Served, served
from bench.cockpit.world import ROOT, units
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
    parser.add_argument(
        "--keep", type=Path, help="directory in which the loaded world stays for further runs"
    )
    parser.add_argument("--batches", default="100,5000", help="numbers of batches to compare; empty: none")
    parser.add_argument("--batch-facts", type=int, default=100_000, help="awards in those batches (100000)")
    parser.add_argument("--quick", action="store_true", help="8,000 awards of one city, 50 requests")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    given = parser.parse_args(argv)
    if given.quick:
        given.facts, given.runs, given.schools, given.within = 8_000, 50, 2, "3701"
        given.batches, given.batch_facts = "10,100", 1_000
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
    peer: Peer | None,
) -> list[list[str]]:
    """Return a row for each level. Raises AssertionError if a view differs from the facts, or from `peer`."""
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
        beside = ["–", "–"] if peer is None else await _asked(peer, unit, _recounted(await recount()))
        rows.append(
            [
                level,
                *(f"{percentile(times, 0.99):,.1f}" for times in (one, many)),
                f"{one_cpu:,.1f}",
                f"{percentile(facts, 0.5):,.0f}",
                f"{facts_cpu:,.0f}",
                *beside,
            ]
        )
        sys.stderr.write("  ".join(rows[-1]) + "\n")
    return rows


async def _asked(peer: Peer, unit: Unit, wanted: dict[tuple[str, str], Figure]) -> list[str]:
    times: list[float] = []
    used = peer.computed()
    for _ in range(3):
        began = time.perf_counter()
        rows = await peer.recount(unit.path, YEAR)
        times.append((time.perf_counter() - began) * 1000)
    assert _recounted(rows) == wanted, f"PostgreSQL differs: {unit.code}"
    return [f"{percentile(times, 0.5):,.0f}", f"{(peer.computed() - used) / 3:,.0f}"]


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
            await cells.hold()
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
    world = units(given.schools)
    places = {
        "centre": world[ROOT],
        "province": world["370000"],
        "city": world["370100"],
        "county": world["370102"],
        "school": world["3701020001"],
    }
    async with served(url, folder) as cockpit:
        filled = await fill(cockpit, given, world)
        peer = await Peer.filled(url, cockpit.app.state.analytics)
        rows = await views(cockpit, places, given.runs, peer)
        if peer is not None:
            await peer.close()
        feed_rows = await pages(cockpit, feeds_of(given), given.runs)
        overlap = await listed_and_aided(cockpit) if given.feeds == "all" else []
    module_rows, used = await modules.measure(url, folder, places, YEAR, given.runs, CLIENTS)
    numbers = [int(number) for number in given.batches.split(",") if number]
    batch_rows = await many.compare(url, given.batch_facts, numbers) if numbers else []
    columns = [
        "overview of",
        "cells p99 (ms)",
        f"{CLIENTS} clients p99 (ms)",
        "Python CPU (ms)",
        "facts p50 (ms)",
        "facts CPU (ms)",
        "PostgreSQL p50 (ms)",
        "PostgreSQL CPU (ms)",
    ]
    page_columns = ["page of", *(f"{name}, p99 (ms)" for name in COLUMNS), "verify the centre (ms)"]
    loading = [*filled.rows, *overlap, ["memory of Cockpit after all views (MiB)", f"{used:,}"]]
    lines = [
        (
            f"`make bench-cockpit`, {filled.facts:,} facts, {machine()};"
            f" {', '.join(python_versions('sqlalchemy', 'asyncpg', 'chdb-core', 'uvicorn'))}."
            " Every figure was equal."
        ),
        "",
        "Views over HTTP, of the four sectors the slowest:",
        "",
        *table(modules.COLUMNS, module_rows),
        "",
        "The overview, and the same question to the facts in ClickHouse and in PostgreSQL, in the process:",
        "",
        *table(columns, rows),
        "",
        *table(page_columns, feed_rows),
        "",
        *table(["loading", "measured"], loading),
        *([] if not batch_rows else ["", *table(many.COLUMNS, batch_rows)]),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.write:
        write("cockpit", "\n".join(lines))


async def main(given: argparse.Namespace, url: str) -> None:
    """Measure with the facts in a folder that is deleted afterwards, or kept."""
    if given.keep is not None:
        folder = given.keep / "chdb"
        folder.mkdir(parents=True, exist_ok=True)
        await measure(given, url, str(folder))
        return
    temporary = await asyncio.to_thread(tempfile.mkdtemp, prefix="zhuxue-bench-")
    try:
        await measure(given, url, temporary)
    finally:
        await asyncio.to_thread(shutil.rmtree, temporary, ignore_errors=True)


if __name__ == "__main__":
    options = arguments()
    kept = None if options.keep is None else options.keep.resolve() / "postgresql"
    on_server(lambda url: main(options, url), kept)
