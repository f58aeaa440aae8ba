"""How long the database works for a request of the address book of the whole country.

    make bench-contacts ARGS=--quick

Office runs in this process on a durable PostgreSQL with the made-up country of `make bench-people`. Each
line is one kind of request, sent one after another with other values each time: what its statements take in
the database with the way there and back, what the server's process computes, and the whole request. `--write`
puts the table into docs/benchmarks.md.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from authkit.dependencies import authenticated
from authkit.principal import Acting, Principal
from bench.common.servers import database_server
from bench.common.statistics import percentile
from bench.common.tables import machine, python_versions, write
from bench.common.watching import Measured, Watch, computed, rows_of, slow_ones
from bench.contacts.world import fill, units
from bench.people.world import OFFICES, SURNAMES
from contracts.vocabulary import Level, Permission
from messaging.inprocess import InProcessBus
from office.app import build
from office.base import MIGRATIONS
from office.directory.models import Unit
from office.settings import Settings
from servicekit import logs
from servicekit.clock import SystemClock
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from testkit.backends.postgresql import connect
from testkit.postgres import create_database

TARGET_MS = 20
PINYIN = ("wang", "zhao", "huang", "li", "zhangwei", "liuguohua", "zengming", "xiaoming")
CLOCK = SystemClock()
Ask = Callable[[], Awaitable[Any]]


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make bench-contacts", description=__doc__)
    parser.add_argument("--units", type=int, default=500_000)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=300, help="requests of each kind (300)")
    parser.add_argument("--quick", action="store_true", help="20,000 units and 40,000 people")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args()
    if given.quick:
        given.units, given.people, given.runs = 20_000, 40_000, 60
    return given


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{line}\n")


class Bench:
    """Requests of made-up callers."""

    def __init__(self, app: FastAPI, all_units: Sequence[Unit], runs: int) -> None:
        self._app = app
        self._units = all_units
        self._runs = runs
        self._watch = Watch()
        self._watch.attach(app)
        self._chance = random.Random(4)
        self._sub = str(new_id())
        self._caller: Principal | None = None
        self._server: int | None = None
        app.dependency_overrides[authenticated] = self._authenticated
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench")

    async def _authenticated(self) -> Principal:
        assert self._caller is not None
        return self._caller

    def act_for(self, unit: Unit) -> None:
        """Send what follows as somebody of a unit who may read people."""
        now = CLOCK.now()
        self._caller = Principal(
            self._sub,
            "portal",
            frozenset({"office"}),
            now,
            now + timedelta(hours=1),
            "x",
            acting=Acting(unit.id, unit.path, unit.level, unit.kind, frozenset({"handler"})),
            permissions=frozenset({Permission.MEMBERS_READ}),
        )

    async def get(self, path: str, **params: Any) -> Any:
        """Send a request. Raises RuntimeError unless it succeeds."""
        answer = await self._http.get(f"/api/v1{path}", params=params)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return answer.json()

    async def measure(self, name: str, ask: Ask) -> Measured:
        """Run a kind of request, after some that are not measured."""
        database, cpu, whole = [], [], []
        for run in range(-10, self._runs):
            self._watch.seconds, used, began = 0.0, await self._cpu(), time.perf_counter()
            await ask()
            if run >= 0:
                whole.append((time.perf_counter() - began) * 1000)
                database.append(self._watch.seconds * 1000)
                cpu.append(await self._cpu() - used)
        numbers = ", ".join(f"{percentile(of, 0.99):.1f}" for of in (database, cpu, whole))
        say(f"{name}: {percentile(database, 0.5):.1f}; p99 {numbers} ms")
        return Measured(name, database, cpu, whole)

    async def _cpu(self) -> float:
        """Return the milliseconds that the server process of the only connection has computed so far."""
        if self._server is None:
            async with self._app.state.database.transaction() as session:
                self._server = await session.scalar(text("SELECT pg_backend_pid()"))
        return computed(self._server or 0)

    async def run(self) -> list[Measured]:
        """Run every kind."""
        chance, offices = self._chance, [one for one in self._units[:OFFICES] if one.level != Level.SCHOOL]
        callers = {
            "centre": [self._units[0]],
            "province": [unit for unit in offices if unit.level == Level.PROVINCE],
            "county": [unit for unit in offices if unit.level == Level.COUNTY],
        }
        given = "明华国建文军平志伟"
        found = list[Measured]()
        self.act_for(self._units[0])
        pages: dict[str, Callable[[], str]] = {
            "a unit's page": lambda: f"/contacts/units/{chance.choice(self._units).id}",
            "50 units below a unit, with numbers": lambda: (
                f"/contacts/units/{chance.choice(offices).id}/children"
            ),
            "people of a unit": lambda: f"/contacts/units/{chance.choice(self._units).id}/people",
        }
        for what, path in pages.items():

            async def show(path: Callable[[], str] = path) -> None:
                await self.get(path())

            found.append(await self.measure(what, show))
        queries: dict[str, Callable[[], str]] = {
            "people by surname": lambda: chance.choice(SURNAMES[:10]),
            "people by two characters of the given name": lambda: "".join(chance.choices(given, k=2)),
            "people by full name": lambda: chance.choice(SURNAMES) + "".join(chance.choices(given, k=2)),
            "people by pinyin": lambda: chance.choice(PINYIN),
            "people by initials": lambda: "".join(chance.choices("wlzcyhgmjs", k=chance.randint(1, 3))),
            "people by unit": lambda: chance.choice(("小学", "中心", "历下", "第12中学", "幼儿园")),
            "people by name and post": lambda: f"{chance.choice('王李张')}明 主任",
            "people by the last four digits": lambda: f"{chance.randrange(10_000):04d}",
        }
        for what, query in queries.items():
            for level, who in callers.items():

                async def ask(who: Sequence[Unit] = who, query: Callable[[], str] = query) -> None:
                    self.act_for(chance.choice(who))
                    await self.get("/contacts/people", q=query(), limit=20)

                found.append(await self.measure(f"{what}, as {level}", ask))
        unit_queries: dict[str, Callable[[], str]] = {
            "units by a frequent word": lambda: chance.choice(("小学", "中心", "资助", "中学", "第1")),
            "units by place": lambda: chance.choice(offices).short_name[:2],
            "units by pinyin": lambda: chance.choice(("jinan", "lixia", "shandong", "xian", "xiaoxue")),
            "units by initials": lambda: chance.choice(("lxq", "xszz", "zxxx", "sds")),
            "units by code": lambda: chance.choice(offices).code[:4],
        }
        for what, query in unit_queries.items():
            for level in ("centre", "province"):

                async def find(
                    who: Sequence[Unit] = callers[level], query: Callable[[], str] = query
                ) -> None:
                    self.act_for(chance.choice(who))
                    await self.get("/units", q=query(), limit=20)

                found.append(await self.measure(f"{what}, as {level}", find))
        return found


async def measure(given: argparse.Namespace, server: str) -> list[Measured]:
    """Fill a database and measure."""
    url = await create_database(server, f"bench_contacts_{given.units}")
    await upgrade(MIGRATIONS, url)
    settings = Settings(
        mode="dev",
        database_url=url,
        issuer="http://bench",
        identity_url="http://127.0.0.1:9",
        client_id="office",
        client_secret=SecretStr("unused"),
        log_level="ERROR",
        run_jobs=False,
        # One connection, so that one server process does the work.
        database_pool_size=1,
    )
    app = build(settings, InProcessBus(), CLOCK)
    began = time.monotonic()
    connection = await connect(url)
    try:
        all_units = units(given.units)
        await fill(connection, all_units, given.people)
    finally:
        await connection.close()
    say(f"filled in {time.monotonic() - began:.0f} s")
    try:
        return await Bench(app, all_units, given.runs).run()
    finally:
        await app.state.database.close()


def markdown(given: argparse.Namespace, found: Sequence[Measured], *, load: float) -> str:
    """Return the result as a section of a document."""
    versions = ", ".join(python_versions("asyncpg", "sqlalchemy", "pypinyin"))
    what = (
        f"{given.units:,} units, {given.people:,} people, {given.runs} requests of each kind, with totals,"
        f" load {load:.1f} before"
    )
    return "\n".join(
        [f"{what}; {machine()}; {versions}.", "", *rows_of(found), "", slow_ones(found, TARGET_MS)]
    )


def main() -> None:
    """Measure and print the results."""
    given = arguments()
    logs.configure(json=True, level="ERROR")
    before = os.getloadavg()[0]
    with database_server() as url:
        result = markdown(given, asyncio.run(measure(given, url)), load=before)
    sys.stdout.write(f"{result}\n")
    if given.write:
        write("contacts", result)


if __name__ == "__main__":
    main()
