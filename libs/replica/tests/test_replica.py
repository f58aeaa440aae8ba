"""The copies end the same in whatever order events arrive, and a rebuild brings what was missed."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid5

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, SecretStr
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase

from contracts import EventModel
from contracts.identity import DirectoryLoadedV1, PersonChangedV1, UnitChangedV1
from replica.models import PersonColumns, UnitColumns, make_snapshot_table
from replica.replica import Replica
from replica.settings import SnapshotSettings
from replica.snapshot import Snapshot
from servicekit import logs
from servicekit.db import Database, new_metadata
from servicekit.ids import new_id
from servicekit.ltree import under
from testkit.plugin import DatabaseFactory

NAMES = UUID(int=0)


class Base(DeclarativeBase):
    metadata = new_metadata()


SNAPSHOTS = make_snapshot_table(Base.metadata)


class Unit(UnitColumns, Base):
    pass


class Person(PersonColumns, Base):
    pass


SETTINGS = SnapshotSettings(
    identity_url=AnyHttpUrl("https://identity.zhuxue.test/"),
    client_id="office",
    client_secret=SecretStr("only-for-tests"),
)


def unit(key: str, version: int = 1, /, **changes: Any) -> UnitChangedV1:
    fields = {
        "unit_id": uuid5(NAMES, key),
        "code": key,
        "name": f"{key}学生资助管理中心",
        "short_name": key,
        "level": "county",
        "kind": "student_aid",
        "stages": ["compulsory", "general_high"],
        "region_code": "370102",
        "parent_id": None,
        "path": f"100000.{key}",
        "status": "active",
        "version": version,
    }
    return UnitChangedV1.model_validate({**fields, **changes})


def person(key: str, version: int = 1, /, **changes: Any) -> PersonChangedV1:
    fields = {
        "sub": uuid5(NAMES, key),
        "name": key,
        "phone_masked": "138****0000",
        "status": "active",
        "unit_id": None,
        "unit_path": None,
        "roles": [],
        "version": version,
    }
    return PersonChangedV1.model_validate({**fields, **changes})


class Identity:
    """The snapshot API as Identity has it: a token, and pages of what the events carry."""

    def __init__(self, units: Sequence[UnitChangedV1] = (), people: Sequence[PersonChangedV1] = ()) -> None:
        self.lists: dict[str, Sequence[EventModel]] = {"units": units, "people": people}
        self.page = 2
        self.requests: list[str] = []
        self.tokens = 0
        self.away = 0
        self.breaks_after: int | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            self.away -= 1
            raise httpx.ConnectError("refused", request=request)
        if request.url.path == "/token":
            return self._token(request)
        assert request.headers["authorization"] == f"Bearer token-{self.tokens}"
        what = request.url.path.removeprefix("/api/v1/snapshot/")
        if len(self.requests) == self.breaks_after:
            return httpx.Response(503)
        self.requests.append(what)
        start = int(request.url.params.get("cursor", "0"))
        assert int(request.url.params["limit"]) == 1000
        items = self.lists[what]
        end = start + self.page
        return httpx.Response(
            200,
            json={
                "items": [item.model_dump(mode="json") for item in items[start:end]],
                "next": str(end) if end < len(items) else None,
            },
        )

    def _token(self, request: httpx.Request) -> httpx.Response:
        basic = base64.b64encode(b"office:only-for-tests").decode()
        assert request.headers["authorization"] == f"Basic {basic}"
        assert parse_qs(request.content.decode()) == {
            "grant_type": ["client_credentials"],
            "scope": ["directory:read"],
            "resource": ["urn:zhuxue:identity"],
        }
        self.tokens += 1
        return httpx.Response(200, json={"access_token": f"token-{self.tokens}", "token_type": "Bearer"})


async def create_tables(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE EXTENSION IF NOT EXISTS ltree"))
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    logs.configure(json=True, level="ERROR")


@pytest_asyncio.fixture
async def database_url(database_factory: DatabaseFactory) -> str:
    return await database_factory("replica", create_tables)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, plans="force_custom_plan", pool_size=2)
    yield database
    await database.close()


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Identity:
    """Identity behind every HTTP client that the snapshot opens."""
    served = Identity()

    def client(**options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(served), **options)

    monkeypatch.setattr("replica.snapshot.httpx", _Httpx(client))
    return served


class _Httpx:
    """The httpx module with another client."""

    def __init__(self, client: Any) -> None:
        self.AsyncClient = client

    def __getattr__(self, name: str) -> Any:
        return getattr(httpx, name)


def replica_of(*, people: bool = True) -> Replica:
    return Replica(Unit, Snapshot(SETTINGS), SNAPSHOTS, person=Person if people else None)


async def state(database: Database) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Everything but when it was replicated."""
    async with database.transaction() as session:
        found = []
        for model in (Unit, Person):
            columns = [column for column in model.__table__.columns if column.name != "replicated_at"]
            rows = await session.execute(select(*columns).order_by(columns[0]))
            found.append([dict(row._mapping) for row in rows])
        return found[0], found[1]


async def apply(database: Database, replica: Replica, *events: EventModel) -> None:
    """Each event in a transaction of its own, as messages come."""
    for event in events:
        async with database.transaction() as session:
            await replica.handle(session, event)


HISTORY: list[EventModel] = [
    unit("370102"),
    unit("370102", 2, name="历下区学生资助中心"),
    unit("370102", 3, status="closed", stages=[], region_code=None),
    unit("370103", path="100000.370000.370103"),
    # The code of a unit that took another passes to a new unit.
    unit("370103", 2, code="370103X"),
    unit("new", 1, code="370103"),
    person("zhang"),
    person("zhang", 2, unit_id=uuid5(NAMES, "370102"), unit_path="100000.370102", roles=["handler"]),
    person("zhang", 3, status="suspended"),
    person("li", 7, unit_path="100000.370000.370103"),
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(HISTORY), repeated=st.lists(st.sampled_from(HISTORY), max_size=5))
def test_every_order_and_repetition_of_events_ends_in_the_same_state(
    database_url: str, order: list[EventModel], repeated: list[EventModel]
) -> None:
    async def check() -> None:
        database = Database(database_url, plans="force_custom_plan", pool_size=1)
        try:
            async with database.transaction() as session:
                await session.execute(delete(Unit))
                await session.execute(delete(Person))
            await apply(database, replica_of(), *order, *repeated)
            units, people = await state(database)
            assert {row["id"]: (row["version"], row["code"], row["status"]) for row in units} == {
                uuid5(NAMES, "370102"): (3, "370102", "closed"),
                uuid5(NAMES, "370103"): (2, "370103X", "active"),
                uuid5(NAMES, "new"): (1, "370103", "active"),
            }
            assert {row["name"]: (row["version"], row["status"]) for row in people} == {
                "zhang": (3, "suspended"),
                "li": (7, "active"),
            }
        finally:
            await database.close()

    asyncio.run(check())


async def test_a_unit_is_kept_whole_and_found_by_reach(database: Database) -> None:
    event = unit("370102", path="100000.370000.370100.370102", parent_id=uuid5(NAMES, "370100"))
    await apply(database, replica_of(), event)
    units, _ = await state(database)
    expected = event.model_dump(exclude={"placed_at", "former_places"})
    expected["id"] = expected.pop("unit_id")
    assert units == [expected]
    async with database.transaction() as session:
        assert (await session.scalars(select(Unit.code).where(under(Unit.path, "100000.370000")))).all() == [
            "370102"
        ]
        assert (await session.scalars(select(Unit.code).where(under(Unit.path, "100000.320000")))).all() == []


async def test_a_directory_that_was_loaded_is_read_page_by_page(
    database: Database, identity: Identity
) -> None:
    identity.lists = {
        "units": [unit(f"37{number:04}") for number in range(5)],
        "people": [person(f"p{number}") for number in range(3)],
    }
    await apply(database, replica_of(), DirectoryLoadedV1(load_id=new_id(), units=5, people=3))
    units, people = await state(database)
    assert {row["code"] for row in units} == {f"37{number:04}" for number in range(5)}
    assert {row["name"] for row in people} == {"p0", "p1", "p2"}
    assert identity.requests == ["units"] * 3 + ["people"] * 2


async def test_a_rebuild_never_overwrites_what_an_event_brought_meanwhile(
    database: Database, identity: Identity
) -> None:
    replica = replica_of()
    await apply(database, replica, unit("370102", 5, name="新"), person("zhang", 5, status="suspended"))
    identity.lists = {
        "units": [unit("370102", 4, name="旧"), unit("370103", 9)],
        "people": [person("zhang", 4)],
    }
    await apply(database, replica, DirectoryLoadedV1(load_id=new_id(), units=2, people=1))
    units, people = await state(database)
    assert {row["short_name"]: (row["name"], row["version"]) for row in units}["370102"] == ("新", 5)
    assert {row["short_name"] for row in units} == {"370102", "370103"}
    assert people[0]["status"] == "suspended"


async def test_a_rebuild_that_breaks_off_leaves_nothing_half_done(
    database: Database, identity: Identity
) -> None:
    identity.lists = {"units": [unit(f"37{number:04}") for number in range(5)], "people": []}
    identity.breaks_after = 2
    with pytest.raises(httpx.HTTPStatusError):
        await apply(database, replica_of(), DirectoryLoadedV1(load_id=new_id(), units=5, people=0))
    assert (await state(database))[0] == []


async def test_a_service_that_needs_no_people_neither_subscribes_to_nor_reads_them(
    database: Database, identity: Identity
) -> None:
    identity.lists = {"units": [unit("370102")], "people": [person("zhang")]}
    replica = replica_of(people=False)
    assert set(replica.types) == {UnitChangedV1, DirectoryLoadedV1}
    await apply(database, replica, DirectoryLoadedV1(load_id=new_id(), units=1, people=1), person("li"))
    assert identity.requests == ["units"]
    assert (await state(database))[1] == []
    assert set(replica_of().types) == {UnitChangedV1, PersonChangedV1, DirectoryLoadedV1}


@contextlib.asynccontextmanager
async def until_filled(replica: Replica, database: Database, count: int) -> AsyncIterator[None]:
    async with replica.filled(database):
        async with asyncio.timeout(10):
            while len((await state(database))[0]) < count:  # noqa: ASYNC110 - the database has no event
                await asyncio.sleep(0.02)
        yield


async def test_an_empty_replica_fills_itself_once_identity_can_be_reached(
    database: Database, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replica.replica._RETRY_SECONDS", 0.02)
    identity.away = 3
    identity.lists = {"units": [unit("370102"), unit("370103"), unit("370104")], "people": []}
    async with until_filled(replica_of(), database, 3):
        assert identity.away == 0


async def test_a_replica_that_has_read_the_snapshot_asks_for_nothing_at_start(
    database: Database, identity: Identity
) -> None:
    identity.lists = {"units": [unit("370102")], "people": []}
    async with until_filled(replica_of(), database, 1):
        pass
    identity.requests.clear()
    async with replica_of().filled(database):
        await asyncio.sleep(0.2)
    assert identity.requests == []


async def test_a_unit_that_an_event_brought_first_does_not_stand_for_the_snapshot(
    database: Database, identity: Identity
) -> None:
    identity.lists = {"units": [unit("370102"), unit("370103")], "people": []}
    await apply(database, replica_of(), unit("370102"))
    async with until_filled(replica_of(), database, 2):
        assert identity.requests[0] == "units"


async def test_an_empty_page_and_an_empty_directory_are_fine(database: Database, identity: Identity) -> None:
    await apply(database, replica_of(), DirectoryLoadedV1(load_id=new_id(), units=0, people=0))
    assert await state(database) == ([], [])
    assert identity.requests == ["units", "people"]


async def test_a_field_that_a_newer_identity_added_is_ignored(database: Database) -> None:
    newer = UnitChangedV1.model_validate({**unit("370102").model_dump(), "added_in_2027": "x"})
    await apply(database, replica_of(), newer)
    assert len((await state(database))[0]) == 1
