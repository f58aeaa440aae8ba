"""Each alert fires when its cause happens to a real service: its `/metrics` go through promtool."""

import re
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import aio_pika
import httpx
import pytest
import structlog
from sqlalchemy import select, text, update

from cockpit.cells.models import Cell, CellLoad
from cockpit.intake.models import Batch
from contracts.cockpit import BatchCommittedV1
from contracts.intake import BatchStatus
from identity.partitions import partitioned
from identity.sms.errors import SmsRefused
from messaging.inbox import Processor
from messaging.inprocess import InProcessBus
from messaging.relay import Relay
from office.base import MIGRATIONS as OFFICE
from office.base import job_queue, outbox, tables
from office.issuing.kinds import ENDED, EndedNotice
from servicekit import logs
from servicekit.background import RUNS
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.lanes import Statement
from servicekit.migrations import upgrade
from servicekit.outages import DatabaseBusy
from servicekit.partitions import maintain
from services.cockpit.tests.support.running_cockpit import award, csv_of, migrate, prepared, small_world
from services.identity.tests.support.running_identity import ISSUER, Browser, running, with_one_line
from testkit.backends import rabbitmq
from testkit.backends.process import free_port
from testkit.clock import RunningClock
from testkit.plugin import DatabaseFactory
from testkit.serving import Served
from testkit.waiting import moments

from .alerting import EXPRESSIONS, MINUTE, Scraping, firing, scraped_at, scraped_by_name, scraping
from .applications import NOWHERE, application

_READY = "rabbitmq_queue_messages_ready{"
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
PHONE = "19900001323"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Unconfigured, structlog draws a traceback with every local variable, which takes seconds."""
    before = structlog.get_config()
    logs.configure(json=True, level="CRITICAL")
    yield
    structlog.configure(**before)


def test_each_alert_has_a_cause_here() -> None:
    caused = re.findall(r'(?:firing|often)\(\s*"(\w+)"', Path(__file__).read_text(encoding="utf-8"))
    assert sorted(caused) == sorted(EXPRESSIONS)


async def test_a_process_that_ends(tmp_path: Path) -> None:
    served = Served()
    others = ("identity", "office", "cockpit", "rabbitmq")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(served.running(application("portal")))
        by_name = partial(scraped_by_name, served.url, "portal", others)
        async with (
            firing("ServiceDown", partial(scraped_at, served.url, "portal"), folder=tmp_path),
            firing("ServiceAbsent", by_name, folder=tmp_path),
        ):
            await stack.aclose()
            served.close()


async def test_messages_that_nobody_takes(tmp_path: Path) -> None:
    port = free_port()
    broker = rabbitmq.watched(port)
    scrape = partial(scraped_at, f"http://127.0.0.1:{port}", "rabbitmq")
    try:
        connection = await aio_pika.connect(broker.url)
        async with connection, connection.channel(publisher_confirms=False) as channel:
            queue = await channel.declare_queue("office.directory")
            # So that the broker says how many there are: none.
            await _said(scrape, 0)
            async with firing("QueueDepth", scrape, folder=tmp_path):
                for _ in range(10_001):
                    await channel.default_exchange.publish(aio_pika.Message(b"{}"), queue.name)
                await _said(scrape, 10_001)
    finally:
        broker.stop()


async def _said(scrape: Scraping, messages: int) -> None:
    async for _ in moments():
        ready = [value for name, value in (await scrape()).values.items() if name.startswith(_READY)]
        if sum(ready) == messages and ready:
            return
    raise AssertionError(f"RabbitMQ does not say that there are {messages} messages")


async def asked(application_: object, path: str) -> httpx.Response:
    """Call a service in this process."""
    transport = httpx.ASGITransport(application_, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://identity.test") as http:
        return await http.get(path)


AUTHORIZE = "/authorize?response_type=code&client_id=portal&redirect_uri=http://localhost:8000/callback"


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    app = application("identity")
    scrape = scraping(app, "identity")
    often = partial(firing, scrape=scrape, again=True, every=15 * SECOND, folder=tmp_path)
    async with (
        often("ServerErrors"),
        often("DatabaseBusy"),
        often("NotMeasured"),
        often("LoopFailing"),
    ):
        assert (await asked(app, AUTHORIZE)).status_code == 503
        with pytest.raises(DatabaseBusy):
            async with app.state.database.lanes.transaction() as lane:
                await lane.first(Statement(select(1)), {})
        failed = RUNS.labels("relay-office", "failed")
        before = failed._value.get()
        async with Relay(Database(NOWHERE, plans="force_custom_plan"), outbox, InProcessBus()).running():
            async for _ in moments():
                if failed._value.get() > before:
                    break
    await app.state.database.close()


async def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = application("identity", NOWHERE.replace(":1/", f":{silent.getsockname()[1]}/"))
        app.state.measures = []
        async with firing("SlowRequests", scraping(app, "identity"), again=True, folder=tmp_path):
            assert (await asked(app, AUTHORIZE)).status_code == 503
        await app.state.database.close()


async def test_events_and_jobs_that_nobody_handles(database_factory: DatabaseFactory, tmp_path: Path) -> None:
    # Not started: neither relay nor worker.
    app = application("office", await database_factory("office", partial(upgrade, OFFICE)))
    database: Database = app.state.database
    scrape = scraping(app, "office")
    event = BatchCommittedV1(
        batch_id=new_id(), feed="award", accepted=1, rejected=0, committed_at=datetime.now(UTC)
    )
    ended = EndedNotice(notice_id=new_id(), cause="withdrawn", by=None)
    async with (
        firing("OutboxLag", scrape, folder=tmp_path),
        firing("DeadLetters", scrape, folder=tmp_path),
        firing("JobsWaiting", scrape, folder=tmp_path),
    ):
        async with database.transaction() as session:
            outbox.add(session, event, subject=event.batch_id)
            await job_queue.enqueue(session, ENDED, ended)
            await session.execute(text("UPDATE outbox SET created_at = now() - interval '61 seconds'"))
            await session.execute(text("UPDATE jobs SET run_at = now() - interval '11 minutes'"))
        processor = Processor(database, tables.inbox, tables.dead_letters)
        await processor.give_up("office.directory", b"{}", "ValidationError", 1)
    async with (
        firing("JobsDead", scrape, folder=tmp_path),
        firing("PeriodicTaskLate", scrape, every=HOUR, lasting=50 * HOUR, folder=tmp_path),
    ):
        async with database.transaction() as session:
            await session.execute(text("UPDATE jobs SET payload = '{}'"))
        async with app.state.worker.running():
            async for _ in moments():
                async with database.transaction() as session:
                    if await session.scalar(text("SELECT count(*) FROM jobs WHERE state = 'dead'")):
                        break
    await database.close()


class Refusing:
    """A gateway that takes no message."""

    async def send(self, phone: str, text: str, *, key: str) -> None:
        raise SmsRefused("template")

    async def close(self) -> None:
        """Nothing is open."""


async def test_sign_ins_messages_and_partitions_that_fail(
    database_factory: DatabaseFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("servicekit.partitions._LOCK_TIMEOUT", "50ms")
    url = await database_factory("identity", with_one_line)
    async with (
        running(url, RunningClock(), ISSUER) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http,
    ):

        async def texts_have_arrived(_: httpx.Response) -> None:
            await app.state.sms_dispatcher.caught_up()

        http.event_hooks["response"].append(texts_have_arrived)
        scrape, browser = scraping(app, "identity"), Browser(app, http)
        database: Database = app.state.database
        often = partial(firing, scrape=scrape, again=True, every=5 * SECOND, folder=tmp_path)
        async with often("CodesRefused"):
            await browser.ask_for_code(PHONE)
            for _ in range(6):
                await browser.sign_in_with(PHONE, "000000")
        async with database.transaction() as session:
            await session.execute(text("UPDATE accounts SET status = 'suspended'"))
            await session.execute(text("DELETE FROM sms_codes"))
        async with often("SignInsRefused"):
            answer = await browser.sign_in(PHONE, browser.authorize_url(verifier="v" * 43))
            assert answer.status_code == 403
        async with firing("MessagesNotSent", scrape, lasting=10 * MINUTE, folder=tmp_path):
            app.state.sms_dispatcher.gateway = Refusing()
            async with database.transaction() as session:
                await session.execute(text("DELETE FROM sms_codes"))
            await browser.ask_for_code(PHONE)
            await app.state.sms_dispatcher.drain()
        later = datetime.now(UTC) + timedelta(days=40)
        async with (
            firing("PartitionsLeft", scrape, every=HOUR, lasting=26 * HOUR, again=True, folder=tmp_path),
            database.engine.begin() as connection,
        ):
            await connection.execute(text("LOCK TABLE sessions IN ROW EXCLUSIVE MODE"))
            some = [one for one in partitioned(app.state.settings) if one.table == "sessions"]
            assert await maintain(database, some, later) == []


async def test_files_and_figures_that_are_not_right(
    database_factory: DatabaseFactory, analytics_dsn: str, tmp_path: Path
) -> None:
    start = await prepared(
        await database_factory("cockpit", migrate), analytics_dsn, 1_000_000, small_world()
    )
    async with start() as cockpit:
        scrape = scraping(cockpit.app, "cockpit")
        made = await cockpit.upload("award", "county", csv_of([award(amount="5")]))
        assert made.status_code == 201
        ago = datetime.now(UTC) - 3 * HOUR
        async with firing("CellsWrong", scrape, folder=tmp_path, lasting=2 * HOUR):
            async with cockpit.database.transaction() as session:
                await session.execute(update(Cell).values(persons=Cell.persons + 1))
            assert any(one.differences for one in await cockpit.app.state.cell_verifier.sample())
        async with (
            firing("CellsBehind", scrape, folder=tmp_path),
            firing("IntakeLag", scrape, folder=tmp_path),
            cockpit.database.transaction() as session,
        ):
            await session.execute(update(CellLoad).values(counted_at=None, since=ago))
            await session.execute(
                update(Batch).values(status=BatchStatus.RECEIVING, created_at=ago, committed_at=None)
            )
