"""A service that is nothing but what every resource server consists of."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from fastapi import APIRouter, FastAPI
from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase

from authkit.dependencies import Authenticated
from authkit.jwks import KeySet
from authkit.proofs import make_proof_table
from authkit.revocation import make_revocation_table
from contracts import EventModel
from contracts.identity import AccessRevokedV1, UnitChangedV1
from contracts.vocabulary import Audience
from jobs import migrations
from messaging.inprocess import InProcessBus
from messaging.tables import ServiceTables
from replica.models import ReplicaTables, UnitColumns
from replica.rebuild import REBUILD
from replica.replica import Replica
from replica.settings import SnapshotSettings
from replica.snapshot import Snapshot
from resourceserver.server import ResourceServer
from servicekit.db import Database, new_metadata
from servicekit.settings import ServiceSettings
from testkit.plugin import DatabaseFactory
from testkit.tokens import TokenFactory


class Base(DeclarativeBase):
    metadata = new_metadata()


TABLES = ServiceTables.of(Base, "office")
REVOCATIONS = make_revocation_table(Base.metadata)
PROOFS = make_proof_table(Base.metadata)
REPLICA = ReplicaTables.of(Base.metadata)


class Unit(UnitColumns, Base):
    pass


class Settings(ServiceSettings, SnapshotSettings):
    pass


router = APIRouter(prefix="/api/v1")


@router.get("/me")
async def me(caller: Authenticated) -> str:
    return caller.sub


async def create_tables(url: str) -> None:
    def create(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS ltree")
        with Operations.context(MigrationContext.configure(connection)):
            migrations.create_v1()
            migrations.upgrade_v2()
        Base.metadata.create_all(connection)

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(create)
    await engine.dispose()


@pytest.fixture
def issuer() -> TokenFactory:
    return TokenFactory()


@pytest.fixture
async def settings(database_factory: DatabaseFactory, issuer: TokenFactory) -> Settings:
    return Settings.model_validate(
        {
            "mode": "dev",
            "database_url": await database_factory("resource_server", create_tables),
            "issuer": issuer.issuer,
            "identity_url": issuer.issuer,
            "client_id": "office",
            "client_secret": "only-for-tests",
            "run_jobs": False,
        }
    )


def server(settings: Settings, issuer: TokenFactory, bus: InProcessBus | None = None) -> ResourceServer:
    async def fetch() -> dict[str, object]:
        return dict(issuer.jwks())

    made = ResourceServer(
        settings,
        Database(settings.database_url, plans="force_custom_plan", pool_size=4),
        TABLES,
        REVOCATIONS,
        PROOFS,
        audience=Audience.OFFICE,
        bus=bus,
        keys=KeySet(fetch),
    )
    made.keep_replica(Replica(Unit, REPLICA, TABLES.jobs), Snapshot(settings))
    return made


@pytest.fixture
async def app(settings: Settings, issuer: TokenFactory) -> AsyncIterator[FastAPI]:
    app = server(settings, issuer).app(title="办公", routers=[router])
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://office") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def unit(unit_id: UUID) -> UnitChangedV1:
    return UnitChangedV1.model_validate(
        {
            "unit_id": unit_id,
            "code": "370102",
            "name": "历下区学生资助管理中心",
            "short_name": "历下",
            "level": "county",
            "kind": "student_aid",
            "stages": [],
            "region_code": "370102",
            "parent_id": None,
            "path": "100000.370102",
            "status": "active",
            "version": 1,
        }
    )


async def publish(app: FastAPI, event: EventModel, subject: UUID) -> None:
    """As Identity would: through an outbox, here the service's own."""
    async with app.state.database.transaction() as session:
        TABLES.outbox.add(session, event, subject=subject)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(60):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)


async def test_a_token_for_this_service_is_taken_and_one_for_another_is_not(
    client: httpx.AsyncClient, issuer: TokenFactory
) -> None:
    answer = await client.get("/api/v1/me", headers=bearer(issuer.access_token(sub="zhang")))
    assert (answer.status_code, answer.json()) == (200, "zhang")
    for refused in (issuer.access_token(aud="urn:zhuxue:cockpit"), issuer.foreign_signature()):
        assert (await client.get("/api/v1/me", headers=bearer(refused))).status_code == 401


async def test_a_revoked_token_is_refused_at_once_and_after_a_restart(
    app: FastAPI, client: httpx.AsyncClient, issuer: TokenFactory, settings: Settings
) -> None:
    sub, now = uuid4(), datetime.now(UTC)
    token = issuer.access_token(sub=str(sub), iat=int(now.timestamp()) - 10)
    assert (await client.get("/api/v1/me", headers=bearer(token))).status_code == 200
    await publish(
        app,
        AccessRevokedV1(sub=sub, not_before=now, expires_at=now + timedelta(minutes=6), reason="停用"),
        sub,
    )

    async def refused() -> bool:
        return (await client.get("/api/v1/me", headers=bearer(token))).status_code == 401

    async def recorded() -> bool:
        async with app.state.database.transaction() as session:
            return (await session.execute(select(REVOCATIONS))).first() is not None

    await eventually(refused)
    await eventually(recorded)
    again = server(settings, issuer).app(title="办公", routers=[router])
    async with (
        again.router.lifespan_context(again),
        httpx.AsyncClient(transport=httpx.ASGITransport(again), base_url="http://office") as restarted,
    ):
        assert (await restarted.get("/api/v1/me", headers=bearer(token))).status_code == 401


async def test_events_of_units_reach_the_replica_and_an_empty_one_asks_for_the_snapshot(app: FastAPI) -> None:
    id_ = uuid4()
    await publish(app, unit(id_), id_)

    async def replicated() -> bool:
        async with app.state.database.transaction() as session:
            return list(await session.scalars(select(Unit.id))) == [id_]

    await eventually(replicated)
    async with app.state.database.transaction() as session:
        kinds = (await session.scalars(select(TABLES.jobs.jobs.c.kind))).all()
        assert kinds == [REBUILD.name]


async def test_readiness_names_the_checks_of_the_service_and_the_common_ones(
    settings: Settings, issuer: TokenFactory
) -> None:
    async def check() -> None:
        raise ConnectionError

    app = server(settings, issuer).app(title="办公", routers=[], checks={"store": check})
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://office") as client,
    ):
        checks = (await client.get("/readyz")).json()["checks"]
    assert checks == {"database": "ok", "bus": "ok", "store": "ConnectionError"}


async def test_the_own_background_runs_before_events_are_consumed_and_a_shared_bus_is_left_alone(
    settings: Settings, issuer: TokenFactory
) -> None:
    order: list[str] = []

    class Bus(InProcessBus):
        async def start(self) -> None:
            order.append("started")

        async def close(self) -> None:
            order.append("closed")

    @asynccontextmanager
    async def background(_: FastAPI) -> AsyncIterator[None]:
        order.append("background")
        yield
        order.append("ended")

    shared = Bus()
    app = server(settings, issuer, shared).app(title="办公", routers=[], background=background)
    async with app.router.lifespan_context(app):
        assert order == ["background"]
    assert order == ["background", "ended"]
