"""A service in miniature that keeps copies of units and people, and Identity's snapshot API."""

import asyncio
import base64
import contextlib
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid5

import httpx
from alembic.migration import MigrationContext
from alembic.operations import Operations
from pydantic import AnyHttpUrl, SecretStr
from sqlalchemy import Connection, DateTime, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from contracts import EventModel
from contracts.identity import PersonChangedV1, RoleChangedV1, UnitChangedV1
from jobs import migrations
from jobs.kinds import State
from jobs.queue import JobQueue, JobView
from jobs.worker import Pace, Worker
from replica.models import FormerPlaceColumns, PersonColumns, ReplicaTables, RoleColumns, UnitColumns
from replica.rebuild import REBUILD
from replica.replica import Replica
from replica.settings import SnapshotSettings
from replica.snapshot import PAGE, Snapshot
from servicekit.db import Database, new_metadata

NAMES = UUID(int=0)


class Base(DeclarativeBase):
    metadata = new_metadata()


TABLES = ReplicaTables.of(Base.metadata)
QUEUE = JobQueue(Base.metadata)


class Unit(UnitColumns, Base):
    placed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Person(PersonColumns, Base):
    pass


class FormerPlace(FormerPlaceColumns, Base):
    pass


class RoleAllowance(RoleColumns, Base):
    pass


SETTINGS = SnapshotSettings(
    identity_url=AnyHttpUrl("https://identity.zhuxue.test/"),
    client_id="office",
    client_secret=SecretStr("only-for-tests"),
)
PACE = Pace(heartbeat=2.0, poll=0.2, grace=0.1)


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


def role(code: str, version: int = 1, /, *permissions: str, **changes: Any) -> RoleChangedV1:
    fields = {"code": code, "name": code, "permissions": permissions, "version": version}
    return RoleChangedV1.model_validate({**fields, **changes})


class Identity:
    """The snapshot API as Identity has it: a token, and pages of what the events carry."""

    def __init__(self) -> None:
        self.lists: dict[str, Sequence[EventModel]] = {"units": [], "people": [], "roles": []}
        self.page = 2
        self.requests: list[str] = []
        self.cursors: list[tuple[str, int]] = []
        self.tokens = 0
        self.token_seconds = 300
        self.valid_token = 0
        self.away = 0
        self.breaks_after: int | None = None
        self.before: Callable[[str], Awaitable[None] | None] | None = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            self.away -= 1
            raise httpx.ConnectError("refused", request=request)
        if request.url.path == "/token":
            return self._token(request)
        if request.headers["authorization"] != f"Bearer token-{self.valid_token}":
            return httpx.Response(401)
        what = request.url.path.removeprefix("/api/v1/snapshot/")
        if self.before is not None and inspect.isawaitable(waiting := self.before(what)):
            await waiting
        if len(self.requests) == self.breaks_after:
            self.breaks_after = None
            return httpx.Response(503)
        self.requests.append(what)
        start = int(request.url.params.get("cursor", "0"))
        self.cursors.append((what, start))
        assert int(request.url.params["limit"]) == PAGE
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
        self.valid_token = self.tokens
        return httpx.Response(
            200,
            json={
                "access_token": f"token-{self.tokens}",
                "token_type": "Bearer",
                "expires_in": self.token_seconds,
            },
        )


async def create_tables(url: str) -> None:
    """The migration of the service."""

    def create(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migrations.create_v1()
            migrations.upgrade_v2()
        Base.metadata.create_all(connection)

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE EXTENSION IF NOT EXISTS ltree"))
        await connection.run_sync(create)
    await engine.dispose()


def replica_of(*, people: bool = True, roles: bool = False) -> Replica:
    return Replica(
        Unit,
        TABLES,
        QUEUE,
        person=Person if people else None,
        former_place=FormerPlace,
        role=RoleAllowance if roles else None,
    )


@contextlib.asynccontextmanager
async def working(
    database: Database, identity: Identity, *, people: bool = True, roles: bool = False
) -> AsyncIterator[None]:
    """A worker that rebuilds the replica."""
    replica = replica_of(people=people, roles=roles)
    snapshot = Snapshot(SETTINGS, httpx.MockTransport(identity))
    worker = Worker(
        "office",
        database,
        QUEUE,
        handlers=[replica.rebuilding(snapshot)],
        pace=PACE,
    )
    async with worker.running():
        yield


async def rebuilds(database: Database) -> list[JobView]:
    """The rebuilds, latest first."""
    async with database.transaction() as session:
        return await QUEUE.list(session, kind=REBUILD.name)


async def rebuilt(
    database: Database,
    identity: Identity,
    *,
    people: bool = True,
    roles: bool = False,
    others: Sequence[State] = (),
) -> list[JobView]:
    """Run all rebuilds that have been asked for to their end; some may have ended as `others`."""
    async with working(database, identity, people=people, roles=roles):

        async def ended() -> bool:
            ends = (State.SUCCEEDED, State.DEAD, *others)
            return all(job.state in ends for job in await rebuilds(database))

        await eventually(ended)
    return await rebuilds(database)


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.02)


async def state(database: Database) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Everything but when it was replicated."""
    async with database.transaction() as session:
        found = []
        for model in (Unit, Person):
            columns = [column for column in model.__table__.columns if column.name != "replicated_at"]
            rows = await session.execute(select(*columns).order_by(columns[0]))
            found.append([dict(row._mapping) for row in rows])
        return found[0], found[1]


async def allowed(database: Database) -> dict[str, tuple[int, list[str]]]:
    """The version and the permissions of each role."""
    async with database.transaction() as session:
        rows = (await session.scalars(select(RoleAllowance))).all()
    return {row.code: (row.version, row.permissions) for row in rows}


async def apply(database: Database, replica: Replica, *events: EventModel) -> None:
    """Each event in a transaction of its own, as messages come."""
    for event in events:
        async with database.transaction() as session:
            await replica.handle(session, event)


NOT_KEPT = {"former_places", "former_names", "duty_phone", "address", "merged_into_id"}
"""Fields of a unit's event for which the tables of this service have no column."""
