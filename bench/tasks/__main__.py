"""Measure lists of tasks, and live updates to 10,000 browsers; see docs/benchmarks.md.

    make bench-tasks ARGS=--quick

Lists are those of one person after another, in a country where the centre, a province, a city and a county
have each dispatched 200 tasks to everybody below. Streams: browsers of one process; `--write` puts both into
docs/benchmarks.md.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from bench.common.servers import memory, on_server, processor_seconds, wait_for
from bench.common.statistics import percentile
from bench.common.tables import machine, python_versions, table, write
from bench.office.world import analyze, fill
from bench.tasks.browsers import Browsers
from contracts.permissions import BUILT_IN
from contracts.vocabulary import Level, Permission, Reach, Role, TaskKind
from office.addressing.rules import Address
from office.desk.lists import TaskLists
from office.desk.rules import Filters, Me, Place, Sort, View
from office.directory.models import Unit
from office.live.hub import HEARTBEAT_SECONDS
from office.tasks.rules import Deadline
from office.tasks.service import NewTask, Tasks, ToAddressed
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.lanes import Lane
from servicekit.paging import PageRequest
from testkit.backends.process import PrivateProcess, free_port, make_directory
from testkit.tokens import TokenFactory

CLOCK = SystemClock()
ROOT = Path(__file__).parents[2]
SENDERS = ("100000", "100000x7", "100000x7x3", "100000x7x3x5")
EVERYBODY = Address(Reach.SUBTREE)
STREAMS_OF_A_PERSON = 10


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.tasks", description=__doc__)
    parser.add_argument("--units", type=int, default=500_000, help="how many units (500000)")
    parser.add_argument("--browsers", type=int, default=10_000, help="how many browsers (10000)")
    parser.add_argument("--runs", type=int, default=300, help="runs of each list (300)")
    parser.add_argument(
        "--rest",
        type=float,
        default=2 * HEARTBEAT_SECONDS,
        help="seconds of browsers at rest (two rounds of heartbeats)",
    )
    parser.add_argument("--quick", action="store_true", help="20,000 units, 1,000 browsers, 100 runs")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    given = parser.parse_args(argv)
    if given.quick:
        given.units, given.browsers, given.runs = 20_000, 1_000, 100
    return given


async def dispatch(database: Database, code: str, number: int) -> float:
    """Dispatch one task from the unit `code` to everybody below; return when it was committed."""
    async with database.transaction() as session:
        sender = (await session.scalars(select(Unit).where(Unit.code == code))).one()
        new = NewTask(
            kind=TaskKind.SIGN,
            key=f"bench/{code}/{number}",
            subject=f"bench/{code}/{number}",
            title=f"关于开展第{number}次学生资助业务培训的通知",
            link=f"/notices/{number}",
            deadline=Deadline(CLOCK.now() + timedelta(days=number % 30 + 1)),
        )
        await Tasks(session, CLOCK).open(
            new, ToAddressed(new_id(), sender.id, EVERYBODY, (Permission.NOTICES_RECEIVE,))
        )
    return time.perf_counter()


async def signed(database: Database) -> None:
    """Have every school of a county done with 150 tasks of the centre, and every unit with two of them."""
    statement = """
        INSERT INTO task_shares (task_id, addressee, unit_id, personal, state, done_by, done_at, ended_at)
        SELECT t.id, u.id, u.id, false, 'done', u.id, now(), now()
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM tasks WHERE key LIKE 'bench/100000/%') t,
        units u WHERE t.n <= 2 OR (t.n <= 150 AND u.path <@ '100000.100000x7.100000x7x3.100000x7x3x5')
    """
    async with database.transaction() as session:
        await session.execute(text(statement))


async def lists(database: Database, runs: int) -> list[list[str]]:
    """Return a row for each list with its times in milliseconds."""
    async with database.transaction() as session:
        under = text("path <@ '100000.100000x7.100000x7x3.100000x7x3x5'")
        schools = (await session.scalars(select(Unit).where(Unit.level == Level.SCHOOL, under))).all()

    async def page(lane: Lane, me: Me, view: View, sort: Sort, filters: Filters) -> None:
        await TaskLists(lane, CLOCK).list_of(me, PageRequest(50, None), view, filters, sort)

    nothing, words = Filters(), Filters(words="培训")
    cases: dict[str, Callable[[Lane, Me], Awaitable[object]]] = {
        "open, newest first, with total": lambda s, me: page(s, me, View.OPEN, Sort.NEWEST, nothing),
        "open, by deadline, with total": lambda s, me: page(s, me, View.OPEN, Sort.DEADLINE, nothing),
        "open, search of two characters": lambda s, me: page(s, me, View.OPEN, Sort.NEWEST, words),
        "done, with total": lambda s, me: page(s, me, View.DONE, Sort.NEWEST, nothing),
        "counts": lambda s, me: TaskLists(s, CLOCK).counts_of(me),
    }
    rows = []
    for name, case in cases.items():
        times = []
        for _ in range(runs):
            unit = random.choice(schools)
            me = Me(uuid.uuid4(), unit.id, (Place(unit.id, BUILT_IN[Role.HANDLER]),))
            async with database.lanes.transaction() as lane:
                begun = time.perf_counter()
                await case(lane, me)
                times.append((time.perf_counter() - begun) * 1000)
        rows.append([name, f"{percentile(times, 0.5):.1f}", f"{percentile(times, 0.99):.1f}"])
        sys.stderr.write(f"{'  '.join(rows[-1])}\n")
    return rows


async def streams(database: Database, url: str, count: int, rest: float) -> list[list[str]]:
    """Return rows about `count` browsers of one process, which rest for so many seconds."""
    tokens = TokenFactory()
    port = free_port()
    directory = make_directory("zhuxue-bench-tasks-")
    server = PrivateProcess(
        [sys.executable, "-m", "bench.tasks.serve", url, str(port), json.dumps(tokens.jwks())],
        log=directory / "log",
        directories=[directory],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    browsers = Browsers(port)
    rows: list[list[str]] = []

    def row(name: str, value: str) -> None:
        rows.append([name, value])
        sys.stderr.write(f"{name}  {value}\n")

    try:
        await asyncio.to_thread(wait_for, f"http://127.0.0.1:{port}/livez", server)
        async with database.transaction() as session:
            units = (await session.scalars(select(Unit).where(Unit.level == Level.SCHOOL).limit(count))).all()
        before = memory(server.pid)
        begun = time.perf_counter()
        gate = asyncio.Semaphore(50)

        async def person(unit: Unit, streams: int) -> None:
            token = tokens.access_token(
                unit=str(unit.id), unit_path=unit.path, roles=[Role.HANDLER], scope="openid office", exp=2**33
            )
            for _ in range(streams):
                async with gate:
                    await browsers.connect(token)

        people = count // STREAMS_OF_A_PERSON
        await asyncio.gather(*(person(unit, STREAMS_OF_A_PERSON) for unit in units[:people]))
        row("browsers connected", f"{browsers.ready:,}")
        row("connections per second", f"{browsers.ready / (time.perf_counter() - begun):,.0f}")
        connected = memory(server.pid)
        row("memory of the process before, with the browsers", f"{before} MiB, {connected} MiB")
        idle = await at_rest(server.pid, rest)
        row("processor time of a second with the browsers at rest", f"{idle * 1000:,.0f} ms")
        spent, begun = processor_seconds(server.pid), time.perf_counter()
        for number in range(1, 6):
            used = processor_seconds(server.pid)
            committed = await dispatch(database, SENDERS[0], 10_000 + number)
            await browsers.until(number * browsers.ready, 300)
            used = processor_seconds(server.pid) - used
            if number in (1, 5):
                last = (browsers.at[-1] - committed) * 1000
                row(f"national dispatch {number}: the last browser heard after", f"{last:,.0f} ms")
                row("and the process had used", f"{used * 1000:,.0f} ms of processor time")
        while await at_rest(server.pid, min(rest, 5)) > 1.2 * idle + 0.05:
            pass
        spent = processor_seconds(server.pid) - spent - idle * (time.perf_counter() - begun)
        spent *= 1e6 / 5 / browsers.ready
        row("processor time for each browser and dispatch, with its counts", f"{spent:,.0f} µs")
        row("memory after five national dispatches", f"{memory(server.pid)} MiB")
    finally:
        await browsers.close()
        server.stop()
    return rows


async def at_rest(pid: int, seconds: float) -> float:
    """Return the processor seconds that a process uses in each of the next seconds."""
    used = processor_seconds(pid)
    await asyncio.sleep(seconds)
    return (processor_seconds(pid) - used) / seconds


async def main(given: argparse.Namespace, url: str) -> None:
    """Fill the database, measure, print the results."""
    await fill(url, given.units)
    database = Database(url, plans="force_custom_plan", pool_size=2)
    async with database.transaction() as session:
        count = await session.scalar(select(func.count()).select_from(Unit))
    for code in SENDERS:
        for number in range(200):
            await dispatch(database, code, number)
    await signed(database)
    await analyze(database)
    listed = await lists(database, given.runs)
    streamed = await streams(database, url, given.browsers, given.rest)
    await database.close()
    versions = ", ".join(python_versions("sqlalchemy", "asyncpg", "uvicorn"))
    lines = [
        f"`make bench-tasks`, {count:,} units with two people each, {machine()}; {versions}.",
        "",
        *table(["list of one person", "p50 (ms)", "p99 (ms)"], listed),
        "",
        *table(["live updates by one process", ""], streamed),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.write:
        write("tasks", "\n".join(lines))


if __name__ == "__main__":
    options = arguments()
    on_server(lambda url: main(options, url))
