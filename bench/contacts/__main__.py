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
from collections.abc import Sequence
from datetime import timedelta

from fastapi import FastAPI
from pydantic import SecretStr

from authkit.principal import Acting, Principal
from bench.common.requests import (
    Ask,
    Query,
    Requests,
    arguments,
    queries_of_people,
    queries_of_units,
    say,
)
from bench.common.servers import database_server
from bench.common.tables import machine, python_versions, write
from bench.common.watching import Measured, rows_of, slow_ones
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
CLOCK = SystemClock()


class Bench(Requests):
    """Requests of made-up callers."""

    def __init__(self, app: FastAPI, all_units: Sequence[Unit], runs: int) -> None:
        super().__init__(app, runs)
        self._units = all_units
        self._chance = random.Random(4)
        self._sub = str(new_id())

    def act_for(self, unit: Unit) -> None:
        """Send what follows as somebody of a unit who may read people."""
        now = CLOCK.now()
        self.caller = Principal(
            self._sub,
            "portal",
            frozenset({"office"}),
            now,
            now + timedelta(hours=1),
            "x",
            acting=Acting(unit.id, unit.path, unit.level, unit.kind, frozenset({"handler"})),
            permissions=frozenset({Permission.MEMBERS_READ}),
        )

    async def run(self) -> list[Measured]:
        """Run every kind."""
        chance, offices = self._chance, [one for one in self._units[:OFFICES] if one.level != Level.SCHOOL]
        callers = {
            "centre": [self._units[0]],
            "province": [unit for unit in offices if unit.level == Level.PROVINCE],
            "county": [unit for unit in offices if unit.level == Level.COUNTY],
        }
        self.act_for(self._units[0])
        pages: dict[str, Query] = {
            "a unit's page": lambda: f"/contacts/units/{chance.choice(self._units).id}",
            "50 units below a unit, with numbers": lambda: (
                f"/contacts/units/{chance.choice(offices).id}/children"
            ),
            "people of a unit": lambda: f"/contacts/units/{chance.choice(self._units).id}/people",
        }
        for what, path in pages.items():

            async def show(path: Query = path) -> None:
                await self.get(path())

            await self.measure(what, show)
        for what, query in queries_of_people(chance, SURNAMES).items():
            for level, who in callers.items():
                await self.measure(f"{what}, as {level}", self._searching("/contacts/people", who, query))
        for what, query in queries_of_units(chance, offices).items():
            for level in ("centre", "province"):
                await self.measure(f"{what}, as {level}", self._searching("/units", callers[level], query))
        return self.found

    def _searching(self, path: str, who: Sequence[Unit], query: Query) -> Ask:
        async def ask() -> None:
            self.act_for(self._chance.choice(who))
            await self.get(path, q=query(), limit=20)

        return ask


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
    given = arguments("contacts", __doc__, units=500_000, people=1_000_000)
    logs.configure(json=True, level="ERROR")
    before = os.getloadavg()[0]
    with database_server() as url:
        result = markdown(given, asyncio.run(measure(given, url)), load=before)
    sys.stdout.write(f"{result}\n")
    if given.write:
        write("contacts", result)


if __name__ == "__main__":
    main()
