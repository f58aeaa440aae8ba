"""Measure coverage of a notice to 500,000 units; see docs/benchmarks.md."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from sqlalchemy import func, select, text

from bench.common.servers import database_server, on_server
from bench.common.statistics import percentile
from bench.common.tables import machine, python_versions, table, write
from bench.common.watching import computed
from bench.office.each import each
from bench.office.killing import Plan, killed
from bench.office.morning import inboxes, morning, publishing, served
from bench.office.world import PUBLISHED_AT, SCOPES, analyze, ask, change, fill, forward, publish, sign, year
from bench.office.writers import answer, peers, rate, recount, storage
from contracts.vocabulary import Level
from office.coverage.missing import Lack
from office.coverage.repository import CoverageRepository
from office.coverage.scope import Scope
from office.coverage.scopes import scope_of
from office.directory.models import Unit
from office.directory.service import Units
from office.notices.models import Notice
from servicekit.db import Database
from testkit.backends import rabbitmq

NOW = PUBLISHED_AT + timedelta(days=200)

Query = Callable[[CoverageRepository, Notice, Scope], Awaitable[object]]

QUERIES: dict[str, Query] = {
    "tallies": lambda coverage, notice, scope: coverage.tallies(notice, scope, NOW),
    "blocking": lambda coverage, notice, scope: coverage.blocking(notice, scope, limit=100),
    "not signed": lambda coverage, notice, scope: _missing(coverage, notice, scope, Lack.SIGNATURE),
    "not read": lambda coverage, notice, scope: _missing(coverage, notice, scope, Lack.READ),
    "curve": lambda coverage, notice, scope: coverage.increments(notice, scope),
}


def _missing(coverage: CoverageRepository, notice: Notice, scope: Scope, lack: Lack) -> Awaitable[object]:
    return coverage.missing(notice, scope, lack=lack, after=None, now=NOW, limit=51)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.office", description=__doc__)
    parser.add_argument("--units", type=int, default=500_000, help="how many units (500000)")
    parser.add_argument("--runs", type=int, default=100, help="runs of each query (100)")
    parser.add_argument("--signatures", type=int, default=50_000, help="signatures at once (50000)")
    parser.add_argument("--rate", type=float, default=333, help="signatures a second over HTTP (333)")
    parser.add_argument("--seconds", type=float, default=600, help="seconds of the morning (600)")
    parser.add_argument("--notices", type=int, default=200, help="notices of a year in each inbox (200)")
    parser.add_argument("--no-http", action="store_true", help="leave out the morning")
    parser.add_argument("--kill", action="store_true", help="only kill processes during a notice, and count")
    parser.add_argument("--quick", action="store_true", help="6,000 units, 20 notices, 10 runs, 6 seconds")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args(argv)
    if given.quick:
        given.units, given.runs, given.signatures = 6_000, 10, 2_000
        given.seconds, given.notices = min(given.seconds, 6), 20
    return given


async def measured(database: Database, notice: Notice, runs: int) -> list[list[str]]:
    """Return a row for each scope: p99 of each query, and in brackets the CPU of PostgreSQL and of Python."""
    rows = []
    for code in SCOPES:
        async with database.transaction() as session:
            backend = await session.scalar(text("SELECT pg_backend_pid()")) or 0
            unit = (await session.scalars(select(Unit).where(Unit.code == code))).one()
            scope = await scope_of(CoverageRepository(session), Units(session), notice, unit)
        row = [f"{unit.level}"]
        for query in QUERIES.values():
            times = []
            before, own = computed(backend), time.process_time()
            for _ in range(runs):
                async with database.transaction() as session:
                    begun = time.perf_counter()
                    await query(CoverageRepository(session), notice, scope)
                    times.append((time.perf_counter() - begun) * 1000)
            postgres, python = computed(backend) - before, (time.process_time() - own) * 1000
            row.append(f"{percentile(times, 0.99):,.1f} ({postgres / runs:,.1f} + {python / runs:,.1f})")
        rows.append(row)
    return rows


async def over_http(given: argparse.Namespace, database: Database, url: str) -> list[list[str]]:
    """Return rows about publishing, inboxes, and the morning of a national notice."""
    await year(database, given.notices)
    notice = await publish(database, number=999)
    await forward(database, notice, ["province", "city", "county"], 100)
    await ask(database, notice)
    alone = await publish(database, number=998)
    await forward(database, alone, ["province", "city", "county"], 100)
    await ask(database, alone)
    await analyze(database)
    async with database.transaction() as session:
        units = (await session.scalars(select(Unit).where(Unit.level == Level.SCHOOL).limit(1000))).all()
        tops = (await session.scalars(select(Unit).where(Unit.code.in_(SCOPES)))).all()
    async with served(url, database) as office:
        return [
            *await publishing(office, database),
            await inboxes(office, units, given.runs),
            *await each(office, alone, units, tops, given.runs),
            *await morning(office, database, notice, rate=given.rate, seconds=given.seconds),
        ]


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
    await recount(database, notice)
    await stage("on its way")
    await forward(database, notice, ["province", "city", "county"], 100)
    await answer(database, notice, signed=90, read=80)
    again = await recount(database, notice)
    await stage("forwarded by all")
    a_second, slowest = await rate(url, given.signatures)
    async with database.transaction() as session:
        size, share = await storage(session)
    others = [
        ["signatures a second, 16 connections", f"{a_second:,.0f}"],
        ["a signature, p99 (ms)", f"{slowest:,.1f}"],
        ["storage of a million receipts (MiB)", f"{size:,.0f}"],
        ["counters' share of it (%)", f"{share:,.1f}"],
        ["counting a notice's receipts again (ms)", f"{again * 1000:,.0f}"],
        *await peers(database, notice),
    ]
    served_rows = [] if given.no_http else await over_http(given, database, url)
    await change(database)
    await stage("3 % have changed since")
    await database.close()
    columns = ["stage", "scope", *(f"{name} (ms)" for name in QUERIES)]
    versions = ", ".join(python_versions("sqlalchemy", "asyncpg"))
    lines = [
        (
            f"`make bench-office`, {count:,} units, {machine()}; {versions}. p99 of {given.runs} runs, in"
            " brackets the CPU time of PostgreSQL and of Python for one run."
        ),
        "",
        *table(columns, rows),
        "",
        *table(["receipts, and other designs", "measured"], others),
        "",
        *table(["two processes over HTTP", "measured"], served_rows),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.write:
        write("office", "\n".join(lines))


async def kill(given: argparse.Namespace, url: str, broker: str) -> None:
    """Kill processes during a notice, and print what was counted. Raises `AssertionError` after a loss."""
    plan = Plan(rounds=1) if given.quick else Plan()
    outcome = await killed(url, broker, plan)
    lines = [
        (
            f"`python -m bench.office --kill`, {plan.units:,} units, {machine()}: {outcome.seconds:.0f} s,"
            f" {plan.rate:.0f} signatures a second at most, {plan.servers} servers, {plan.workers} workers."
        ),
        "",
        *table(["killing during a national notice", "counted"], outcome.rows()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    outcome.check()
    if given.write:
        write("killing", "\n".join(lines))


def kill_on_servers(given: argparse.Namespace) -> None:
    """Run `kill` with servers of its own: PostgreSQL itself is killed, too."""
    broker = rabbitmq.start()
    try:
        with database_server() as url:
            asyncio.run(kill(given, url, broker.url))
    finally:
        broker.stop()


if __name__ == "__main__":
    options = arguments()
    if options.kill:
        kill_on_servers(options)
    else:
        on_server(lambda url: main(options, url))
