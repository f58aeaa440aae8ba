"""How long the database works for a request about people and units of the whole country.

    make bench-people ARGS=--quick

Identity runs in this process on a durable PostgreSQL with a made-up country. Each line is one kind of
request, sent one after another with other values each time. The times are what its statements take in the
database with the way there and back, how long the server's process computes, and the whole request. `--write`
puts the table into docs/benchmarks.md. With BENCH_DATABASE_URL, the database of that server is kept and used
again.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import insert, text

from authkit import acr
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
from bench.people.world import OFFICES, SURNAMES, fill, filled, first_phone, units
from contracts.vocabulary import Level, Permission
from identity.accounts.repository import AccountRepository
from identity.app import build
from identity.base import MIGRATIONS
from identity.joining.models import JoinRequest
from identity.search.indexing import SearchIndexer
from identity.search.service import SearchIndex
from identity.settings import Settings
from identity.units.models import Unit
from messaging.inprocess import InProcessBus
from servicekit import logs
from servicekit.clock import SystemClock
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from testkit.backends.postgresql import connect
from testkit.postgres import create_database, database_url

TARGET_MS = 20
CLOCK = SystemClock()


class Bench(Requests):
    """Requests of made-up callers."""

    def __init__(self, app: FastAPI, all_units: Sequence[Unit], subs: Sequence[UUID], runs: int) -> None:
        super().__init__(app, runs)
        self._units = all_units
        self._subs = subs
        self._chance = random.Random(4)

    def act_for(self, unit: Unit) -> None:
        """Send what follows as an administrator of a unit."""
        now = CLOCK.now()
        self.caller = Principal(
            str(self._subs[0]),
            "portal",
            frozenset({"identity"}),
            now,
            now + timedelta(hours=1),
            "x",
            acr=acr.MFA,
            auth_time=now,
            acting=Acting(unit.id, unit.path, unit.level, unit.kind, frozenset({"unit_admin"})),
            permissions=frozenset(Permission),
        )

    def of_level(self, level: Level) -> Unit:
        """Return any unit of a level."""
        return self._chance.choice([unit for unit in self._units[:OFFICES] if unit.level == level])

    async def run(self) -> list[Measured]:
        """Run every kind."""
        chance, root = self._chance, self._units[0]
        self.act_for(root)
        await self.measure("sign-in: account of a phone number", self._sign_in)
        offices = [unit for unit in self._units[:OFFICES] if unit.level != Level.SCHOOL]
        await self.measure(
            "tree page: 50 units below a unit",
            lambda: self.get(f"/units/{chance.choice(offices).id}/children", limit=50),
        )
        await self.measure(
            "permission check: a person in reach", lambda: self.get(f"/accounts/{chance.choice(self._subs)}")
        )
        await self.measure("approval of a request to join", await self._approvals())
        callers = {
            "centre": [root],
            "province": [unit for unit in offices if unit.level == Level.PROVINCE],
            "city": [unit for unit in offices if unit.level == Level.CITY],
            "county": [unit for unit in offices if unit.level == Level.COUNTY],
        }
        for what, query in queries_of_people(chance, SURNAMES).items():
            for level, who in callers.items():

                async def ask(who: Sequence[Unit] = who, query: Query = query) -> None:
                    self.act_for(chance.choice(who))
                    await self.get("/search/people", q=query(), limit=20)

                await self.measure(f"{what}, as {level}", ask)
        self.act_for(root)
        for what, query in queries_of_units(chance, offices).items():

            async def find(query: Query = query) -> None:
                await self.get("/search/units", q=query(), limit=20)

            await self.measure(what, find)
        return self.found

    async def indexed(self, vault: Any) -> float:
        """Return how many people and units are indexed in a second."""
        database = self.app.state.database
        async with database.transaction() as session:
            await SearchIndex(session).renew()
        indexer, began, done = SearchIndexer(database, vault), time.monotonic(), 0
        while time.monotonic() - began < 10:
            batch = await indexer.index_batch()
            done += batch
            if not batch:
                break
        rate = done / (time.monotonic() - began)
        async with database.transaction() as session:
            await session.execute(text("TRUNCATE search_queue"))
        return rate

    async def _sign_in(self) -> None:
        phone = first_phone(self._chance.randrange(len(self._subs)))
        slots = self.app.state.vault.slots("phone", phone)
        async with self.app.state.database.transaction() as session:
            if await AccountRepository(session).by_phone(slots, share=True) is None:
                raise RuntimeError("not found")

    async def _approvals(self) -> Ask:
        """Make requests to approve, of people who belong to another unit so far."""
        ids = [new_id() for _ in range(self.runs + 10)]
        schools = self._units[OFFICES:] or self._units
        now = CLOCK.now()
        async with self.app.state.database.transaction() as session:
            await session.execute(
                insert(JoinRequest),
                [
                    {
                        "id": row_id,
                        "account_id": self._subs[OFFICES + number],
                        "unit_id": self._chance.choice(schools).id,
                        "roles": ["handler"],
                        "posts": [],
                        "status": "pending",
                        "requested_at": now,
                        "expires_at": now + timedelta(days=30),
                    }
                    for number, row_id in enumerate(ids)
                ],
            )
        left = iter(ids)

        async def approve() -> None:
            answer = await self.http.post(f"/api/v1/join-requests/{next(left)}/approve")
            if answer.status_code not in (200, 409):
                raise RuntimeError(answer.text)

        return approve


async def measure(given: argparse.Namespace, server: str, *, kept: bool) -> tuple[list[Measured], float]:
    """Fill a database, unless an earlier run has kept one, and measure."""
    name = f"bench_people_{given.units}_{given.people}"
    if kept and await _exists(server, name):
        url = database_url(server, name)
    else:
        url = await create_database(server, name)
    await upgrade(MIGRATIONS, url)
    settings = Settings(
        mode="dev",
        database_url=url,
        issuer="http://bench",
        encryption_key="e1" * 32,
        index_key="1d" * 32,
        log_level="ERROR",
        run_jobs=False,
        # One connection, so that one server process does the work.
        database_pool_size=1,
    )
    app = build(settings, InProcessBus(), CLOCK)
    began = time.monotonic()
    connection = await connect(url)
    try:
        found = await filled(connection)
        if found is None:
            all_units = units(given.units)
            subs = await fill(connection, app.state.vault, all_units, given.people)
        else:
            all_units, subs = found
    finally:
        await connection.close()
    say(f"filled in {time.monotonic() - began:.0f} s")
    bench = Bench(app, all_units, subs, given.runs)
    try:
        measured = await bench.run()
        rate = await bench.indexed(app.state.vault)
    finally:
        await app.state.database.close()
    return measured, rate


async def _exists(server: str, name: str) -> bool:
    connection = await connect(server)
    try:
        return bool(await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name))
    finally:
        await connection.close()


def markdown(given: argparse.Namespace, found: Sequence[Measured], rate: float, *, load: float) -> str:
    """Return the result as a section of a document."""
    versions = ", ".join(python_versions("asyncpg", "sqlalchemy", "pypinyin"))
    what = (
        f"{given.units:,} units, {given.people:,} people, {given.runs} requests of each kind,"
        f" load {load:.1f} before"
    )
    last = (
        f"{slow_ones(found, TARGET_MS)} The indexer of the search works off"
        f" {rate:,.0f} people or units per second."
    )
    return "\n".join([f"{what}; {machine()}; {versions}.", "", *rows_of(found), "", last])


def main() -> None:
    """Measure and print the results."""
    given = arguments("people", __doc__, units=600_000, people=1_000_000)
    logs.configure(json=True, level="ERROR")
    before = os.getloadavg()[0]
    server = os.environ.get("BENCH_DATABASE_URL")
    with contextlib.nullcontext(server) if server else database_server() as url:
        result = markdown(given, *asyncio.run(measure(given, url, kept=server is not None)), load=before)
    sys.stdout.write(f"{result}\n")
    if given.write:
        write("people", result)


if __name__ == "__main__":
    main()
