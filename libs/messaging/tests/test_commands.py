"""The commands of every service, and the bus that its settings choose."""

import asyncio
import gc
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from alembic.migration import MigrationContext
from alembic.operations import Operations
from fastapi import FastAPI
from sqlalchemy import Connection, func, insert, inspect, select
from sqlalchemy.ext.asyncio import create_async_engine

from jobs.migrations import create_v1, upgrade_v2
from libs.messaging.tests.support.sample_service import inbox, tables
from messaging import cli
from messaging.inprocess import InProcessBus
from messaging.rabbitmq import RabbitBus
from messaging.wiring import make_bus
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.settings import ServiceSettings
from testkit.plugin import DatabaseFactory

MIGRATION = """
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TABLE things (id int)")
"""
ENV = """
from alembic import context
from servicekit.migrations import run_env
from sqlalchemy import MetaData

run_env(context.config, MetaData())
"""


async def _jobs_tables(url: str) -> None:
    def create(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            create_v1()
            upgrade_v2()

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(create)
    await engine.dispose()


def settings_of(url: str = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing", **more: Any) -> ServiceSettings:
    fields = {"mode": "dev", "database_url": url, "issuer": "http://localhost", "port": 8123} | more
    return ServiceSettings.model_validate(fields)


def service_of(
    settings: ServiceSettings, app: FastAPI | None = None, migrations: Path = Path("/")
) -> cli.Service[ServiceSettings]:
    return cli.Service("sample", lambda: settings, lambda _: app or FastAPI(), migrations, tables)


class Served:
    """What uvicorn was asked to serve, instead of serving it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app: Any = None
        self.options: dict[str, Any] = {}
        self.environment: dict[str, str] = {}
        self.in_processes: FastAPI | None = None
        monkeypatch.setattr(uvicorn, "run", self.run)

    def run(self, app: Any, **options: Any) -> None:
        self.app, self.options = app, options
        self.environment = {name: os.environ.get(name, "") for name in ("PROMETHEUS_MULTIPROC_DIR",)}
        if app == "messaging.cli:worker":
            self.in_processes = cli.worker()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for name in ("PROMETHEUS_MULTIPROC_DIR", "ZHUXUE_WORKER_OF"):
        monkeypatch.setenv(name, "")  # restored when the test ends
        monkeypatch.delenv(name)
    yield Served(monkeypatch)
    gc.unfreeze()


def test_serve_listens_where_the_settings_say(served: Served) -> None:
    app = FastAPI()
    assert cli.main(service_of(settings_of(host="127.0.0.2"), app), ["serve"]) == 0
    assert served.app is app
    assert (served.options["host"], served.options["port"]) == ("127.0.0.2", 8123)
    # Query strings can hold personal data, so uvicorn's own log of requests stays off.
    assert not served.options["access_log"]


def test_several_processes_build_the_service_each_and_share_their_metrics(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FastAPI()
    service = service_of(settings_of(workers=3), app)
    monkeypatch.setattr(
        cli, "import_module", lambda name: {"sample.cli": SimpleNamespace(SERVICE=service)}[name]
    )
    assert cli.main(service, ["serve"]) == 0
    assert served.options["workers"] == 3
    assert served.in_processes is app
    folder = served.environment["PROMETHEUS_MULTIPROC_DIR"]
    assert folder
    assert not Path(folder).exists(), "removed with the processes"


def test_work_serves_health_and_no_endpoint_of_the_service(served: Served) -> None:
    async def check() -> None:
        """Always well."""

    app = FastAPI()
    app.state.worker = SimpleNamespace(check=check)
    app.state.database = SimpleNamespace(ping=check)
    app.state.resources = None
    app.state.measures = ()
    assert cli.main(service_of(settings_of(), app), ["work"]) == 0
    assert served.app is not app
    assert set(served.app.state.checks) == {"database", "worker"}


async def test_migrate_brings_the_database_to_the_newest_revision(
    database_factory: DatabaseFactory, tmp_path: Path
) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENV)
    (tmp_path / "versions" / "0001.py").write_text(MIGRATION)
    url = await database_factory("migrated", _jobs_tables)
    service = service_of(settings_of(url), migrations=tmp_path)
    for _ in range(2):
        assert await asyncio.to_thread(cli.main, service, ["migrate"]) == 0
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).has_table("things"))
    await engine.dispose()


async def test_prune_deletes_ids_of_old_events(database_url: str) -> None:
    database = Database(database_url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        for days in (1, 31):
            at = datetime.now(UTC) - timedelta(days=days)
            await session.execute(insert(inbox).values(queue="q", event_id=new_id(), handled_at=at))
    assert await asyncio.to_thread(cli.main, service_of(settings_of(database_url)), ["prune"]) == 0
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(inbox)) == 1
    await database.close()


async def test_jobs_are_asked_for_in_the_service_s_database(
    database_factory: DatabaseFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    url = await database_factory("jobs", _jobs_tables)
    command = ["jobs", "show", str(new_id())]
    assert await asyncio.to_thread(cli.main, service_of(settings_of(url, log_json=True)), command) == 0
    assert capsys.readouterr().out == "no such job\n"


def test_a_broker_is_used_where_one_is_named() -> None:
    assert isinstance(make_bus(settings_of()), InProcessBus)
    assert isinstance(make_bus(settings_of(rabbitmq_url="amqp://127.0.0.1")), RabbitBus)
