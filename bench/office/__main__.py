"""Measure coverage of a notice to 500,000 units; see docs/benchmarks.md."""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from sqlalchemy import func, select

from bench.common.servers import database_server
from bench.common.tables import machine, python_versions, table, write
from bench.office.world import PUBLISHED_AT, SCOPES, analyze, change, fill, forward, publish, sign
from office.coverage.counting import Scope
from office.coverage.missing import Lack
from office.coverage.repository import CoverageRepository
from office.directory.models import Unit
from office.directory.service import Units
from office.notices.models import Notice
from servicekit.db import Database

NOW = PUBLISHED_AT + timedelta(days=200)

Query = Callable[[CoverageRepository, Notice, Scope], Awaitable[object]]

QUERIES: dict[str, Query] = {
    "tallies": lambda coverage, notice, scope: coverage.tallies(notice, scope, NOW),
    "blocking": lambda coverage, notice, scope: coverage.blocking(notice, scope, limit=100),
    "missing": lambda coverage, notice, scope: coverage.missing(
        notice, scope, lack=Lack.SIGNATURE, after=None, now=NOW, limit=51
    ),
}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.office", description=__doc__)
    parser.add_argument("--units", type=int, default=500_000, help="how many units (500000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each query (5)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    return parser.parse_args(argv)


async def measured(database: Database, notice: Notice, runs: int) -> list[list[str]]:
    """Return a row for each scope with the median of each query, in milliseconds."""
    rows = []
    for code in SCOPES:
        async with database.transaction() as session:
            unit = (await session.scalars(select(Unit).where(Unit.code == code))).one()
            former = await Units(session).former_places(unit)
            scope = Scope(unit, [unit.path, *(place.path for place in former)], SCOPES[0])
        medians = []
        for query in QUERIES.values():
            times = []
            for _ in range(runs):
                async with database.transaction() as session:
                    begun = time.perf_counter()
                    await query(CoverageRepository(session), notice, scope)
                    times.append((time.perf_counter() - begun) * 1000)
            medians.append(statistics.median(times))
        rows.append([f"{unit.level}", *(f"{ms:,.0f}" for ms in [*medians, sum(medians)])])
    return rows


async def main(given: argparse.Namespace, url: str) -> None:
    """Fill the database, measure each stage of a notice, print the results."""
    await fill(url, given.units)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        count = await session.scalar(select(func.count()).select_from(Unit))
    notice = await publish(database)
    rows: list[list[str]] = []

    async def stage(name: str) -> None:
        await analyze(database)
        found = await measured(database, notice, given.runs)
        rows.extend([name, *row] for row in found)
        for row in rows[-len(found) :]:
            sys.stderr.write(f"{'  '.join(row)}\n")

    await stage("published")
    await forward(database, notice, ["province", "city", "county"], 70)
    await sign(database, notice, 70)
    await stage("on its way")
    await forward(database, notice, ["province", "city", "county"], 100)
    await stage("forwarded by all")
    await change(database)
    await stage("3 % have changed since")
    await database.close()
    columns = ["stage", "scope", *(f"{name} (ms)" for name in QUERIES), "sum (ms)"]
    versions = ", ".join(python_versions("sqlalchemy", "asyncpg"))
    lines = [
        f"`make bench-office`, {count:,} units, {machine()}; {versions}. Medians of {given.runs} runs.",
        "",
        *table(columns, rows),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.write:
        write("office", "\n".join(lines))


if __name__ == "__main__":
    options = arguments()
    if os.environ.get("BENCH_DATABASE_URL"):
        asyncio.run(main(options, os.environ["BENCH_DATABASE_URL"]))
    else:
        with database_server() as server:
            asyncio.run(main(options, server))
