"""The replicas of Office and Cockpit after random administration of Identity.

Whatever changes, and in whatever order the events arrive, once or twice, a replica ends as Identity's
snapshot says; also one that is rebuilt from the snapshot in the middle, and gets earlier events afterwards.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import AnyHttpUrl, SecretStr
from pydantic_core import to_jsonable_python
from sqlalchemy import select, text

import cockpit.base
import cockpit.directory.models
import office.base
import office.directory.models
from contracts import EventModel
from contracts.identity import DirectoryLoadedV1, PersonChangedV1, UnitChangedV1, UnitsChangedV1
from jobs.kinds import State
from jobs.queue import JobQueue
from jobs.worker import Worker
from messaging.inprocess import InProcessBus
from replica.rebuild import REBUILD
from replica.replica import Replica
from replica.settings import SnapshotSettings
from replica.snapshot import Snapshot
from servicekit.db import Database
from servicekit.migrations import upgrade
from services.identity.tests.properties import people, units
from services.identity.tests.properties.stepping import take_a_step
from services.identity.tests.properties.world import begun, small_country
from services.identity.tests.support.running_identity import ISSUER, running
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory
from testkit.postgres import Migration

STEPS = 50
CHANGES = {units: 1, people: 2}
TYPES = (UnitChangedV1, UnitsChangedV1, PersonChangedV1, DirectoryLoadedV1)


@dataclass
class Copy:
    """The replica of a service, in a database of its own."""

    service: str
    database: Database
    replica: Replica
    queue: JobQueue
    unit: Any
    person: Any = None
    former_place: Any = None

    async def take(self, events: Sequence[EventModel]) -> None:
        """Each event in a transaction of its own, as messages come."""
        for event in events:
            async with self.database.transaction() as session:
                await self.replica.handle(session, event)

    async def rebuild(self, snapshot: Snapshot) -> None:
        await self.replica.fill(self.database)
        async with Worker(
            self.service, self.database, self.queue, handlers=[self.replica.rebuilding(snapshot)]
        ).running():
            while True:
                async with self.database.transaction() as session:
                    jobs = await self.queue.list(session, kind=REBUILD.name)
                assert all(job.state != State.DEAD for job in jobs)
                if all(job.state == State.SUCCEEDED for job in jobs):
                    return
                await asyncio.sleep(0.02)

    async def rows(self, model: Any) -> list[dict[str, Any]]:
        """Everything but when it was replicated."""
        columns = [column for column in model.__table__.columns if column.name != "replicated_at"]
        async with self.database.transaction() as session:
            found = await session.execute(select(*columns).order_by(*columns[:2]))
            return [dict(row._mapping) for row in found]

    async def must_equal(self, units: Sequence[UnitChangedV1], people: Sequence[PersonChangedV1]) -> None:
        """What the snapshot says, in the columns that this service has."""
        rows = [{**unit.model_dump(), "id": unit.unit_id} for unit in units]
        await self._same(self.unit, rows, "id")
        if self.person is not None:
            await self._same(self.person, [one.model_dump() for one in people], "sub")
        if self.former_place is not None:
            places = [
                {**place.model_dump(), "unit_id": unit.unit_id}
                for unit in units
                for place in unit.former_places
            ]
            await self._same(self.former_place, places, "unit_id", "valid_from")

    async def _same(self, model: Any, expected: Sequence[dict[str, Any]], *key: str) -> None:
        found = {tuple(row[name] for name in key): row for row in await self.rows(model)}
        rows = {tuple(row[name] for name in key): row for row in expected}
        assert found.keys() == rows.keys(), self.service
        for one, row in found.items():
            said = {name: rows[one][name] for name in row}
            assert _comparable(row) == _comparable(said), (self.service, one)


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """As JSON. A person's paths are those of the time of the event: a unit that moves has its own."""
    found: dict[str, Any] = to_jsonable_python(row)
    found.pop("unit_path", None)
    for one in found.get("memberships", []):
        del one["unit_path"]
    return found


async def _office(url: str) -> None:
    await upgrade(office.base.MIGRATIONS, url)


async def _cockpit(url: str) -> None:
    await upgrade(cockpit.base.MIGRATIONS, url)


@dataclass
class Copies:
    """Replicas, each of which gets the events in its own way."""

    in_order: Copy
    mixed: list[Copy]
    rebuilt: Copy


@pytest.fixture
async def copies(database_factory: DatabaseFactory) -> AsyncIterator[Copies]:
    async with AsyncExitStack() as stack:

        async def made(name: str, migrate: Migration, copy: Callable[[Database], Copy]) -> Copy:
            database = Database(await database_factory(name, migrate), plans="force_custom_plan")
            stack.push_async_callback(database.close)
            return copy(database)

        offices = [await made("office", _office, _office_copy) for _ in range(3)]
        yield Copies(offices[0], [offices[1], await made("cockpit", _cockpit, _cockpit_copy)], offices[2])


def _office_copy(database: Database) -> Copy:
    models, base = office.directory.models, office.base
    replica = Replica(
        models.Unit,
        base.replica_tables,
        base.job_queue,
        person=models.Person,
        former_place=models.FormerPlace,
    )
    return Copy("office", database, replica, base.job_queue, models.Unit, models.Person, models.FormerPlace)


def _cockpit_copy(database: Database) -> Copy:
    models, base = cockpit.directory.models, cockpit.base
    replica = Replica(models.Unit, base.replica_tables, base.job_queue, former_place=models.FormerPlace)
    return Copy("cockpit", database, replica, base.job_queue, models.Unit, former_place=models.FormerPlace)


def _snapshot(app: FastAPI) -> Snapshot:
    settings = SnapshotSettings(
        identity_url=AnyHttpUrl(ISSUER), client_id="office", client_secret=SecretStr("o" * 40)
    )
    return Snapshot(settings, httpx.ASGITransport(app=app))


async def _all_sent(app: FastAPI) -> None:
    """Wait until no event is left in the outbox."""
    while True:
        async with app.state.database.transaction() as session:
            if not await session.scalar(text("SELECT count(*) FROM outbox")):
                return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("seed", range(100, 102))
async def test_a_replica_ends_as_the_snapshot_says_whatever_the_order_of_events(
    database_factory: DatabaseFactory, copies: Copies, seed: int
) -> None:
    events: list[EventModel] = []
    bus, clock, dice = InProcessBus(), FrozenClock(datetime.now(UTC)), random.Random(seed)
    bus.listen(TYPES, events.append)
    url = await database_factory("identity", small_country)
    async with running(url, clock, ISSUER, bus=bus) as app, begun(app, clock, seed) as world:
        snapshot = _snapshot(app)
        for copy in (copies.in_order, *copies.mixed):
            await copy.rebuild(snapshot)
        for _ in range(STEPS // 2):
            await take_a_step(world, CHANGES)
        await _all_sent(app)
        await copies.rebuilt.take(dice.sample(events, len(events) // 2))
        await copies.rebuilt.rebuild(snapshot)
        for _ in range(STEPS // 2):
            await take_a_step(world, CHANGES)
        await _all_sent(app)
        assert len(events) > STEPS / 5
        await copies.in_order.take(events)
        for copy in copies.mixed:
            await copy.take(dice.sample([*events, *events], 2 * len(events)))
        await copies.rebuilt.take(dice.sample(events, len(events)))
        async with snapshot.reading() as reader:
            every_unit, everybody = (await reader.units(None)).items, (await reader.people(None)).items
        for copy in (copies.in_order, *copies.mixed, copies.rebuilt):
            await copy.must_equal(every_unit, everybody)
