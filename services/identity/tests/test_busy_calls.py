"""What makes busy calls and tables cheap keeps what they promise (ADR 0010)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, select, text

from identity.app import build
from identity.audit.models import AuditRecord
from identity.clients.models import Client
from identity.partitions import partitioned
from identity.sessions.models import BrowserSession
from messaging.inprocess import InProcessBus
from servicekit.db import Database, on_commit
from servicekit.ids import instant_of
from servicekit.lane_connections import Connection
from servicekit.partitions import ByDay, maintain
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

PHONE = "19900001323"
OFFICE = ("office", "o" * 40)
FORM = {"grant_type": "client_credentials", "scope": "directory:read"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def other(app: FastAPI, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:
    """Another process of the issuer."""
    second = build(app.state.settings, InProcessBus(), clock)
    transport = httpx.ASGITransport(app=second)
    async with (
        second.router.lifespan_context(second),
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8001") as http,
    ):
        http.app = second  # type: ignore[attr-defined]
        yield http


async def disable(app: FastAPI) -> None:
    """As the registry does it: in a transaction that forgets the client when it is committed."""
    async with app.state.database.transaction() as session:
        client = await session.get(Client, "office")
        client.status = "disabled"
        on_commit(session, lambda: app.state.parts.clients.evict("office"))


async def test_a_changed_client_is_seen_at_once_here_and_a_second_later_elsewhere(
    app: FastAPI, other: httpx.AsyncClient, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = new_browser().http
    for http in (here, other):
        assert (await http.post("/token", data=FORM, auth=OFFICE)).status_code == 200
    await disable(app)
    assert (await here.post("/token", data=FORM, auth=OFFICE)).status_code == 401
    # What this process remembers is a second old.
    monkeypatch.setattr("identity.clients.cache.SECONDS", 0)
    assert (await other.post("/token", data=FORM, auth=OFFICE)).status_code == 401


async def test_a_rolled_back_change_forgets_nothing_and_harms_nothing(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    http = new_browser().http
    assert (await http.post("/token", data=FORM, auth=OFFICE)).status_code == 200
    session = app.state.database._sessions()
    (await session.get(Client, "office")).status = "disabled"
    on_commit(session, lambda: pytest.fail("nothing has been committed"))
    await session.flush()
    await session.rollback()
    await session.close()
    assert (await http.post("/token", data=FORM, auth=OFFICE)).status_code == 200


async def test_each_token_of_many_at_once_has_its_audit_row(app: FastAPI, new_browser: NewBrowser) -> None:
    http = new_browser().http
    answers = await asyncio.gather(*(http.post("/token", data=FORM, auth=OFFICE) for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    async with app.state.database.transaction() as session:
        rows = (
            await session.scalars(
                select(AuditRecord).where(
                    AuditRecord.action == "oauth.token_issued", AuditRecord.actor == "office"
                )
            )
        ).all()
    assert len(rows) == 40
    assert len({row.correlation_id for row in rows}) == 40


async def test_a_token_that_cannot_be_audited_is_not_given(app: FastAPI, new_browser: NewBrowser) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text("ALTER TABLE audit_log RENAME TO audit_log_gone"))
    answer = await new_browser().http.post("/token", data=FORM, auth=OFFICE)
    assert (answer.status_code, "access_token" in answer.json()) == (500, False)


async def test_waiting_for_the_audit_row_does_not_need_the_pool(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    """Those who wait may hold all of the pool's connections."""
    engine = app.state.database.engine
    held = [await engine.connect() for _ in range(20)]
    try:
        writer = app.state.parts.records
        async with asyncio.timeout(10):
            await writer.write(actor="office", action="oauth.token_issued", target="office")
    finally:
        for connection in held:
            await connection.close()


async def test_a_connection_that_the_server_has_closed_is_replaced(app: FastAPI) -> None:
    database: Database = app.state.database
    async with database.engine.connect() as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
    async with database.engine.connect() as one, database.engine.connect() as two:
        killer = two if await one.scalar(text("SELECT pg_backend_pid()")) == pid else one
        victim = one if killer is two else two
        raw = (await victim.get_raw_connection()).driver_connection
        assert raw is not None
        await killer.execute(text(f"SELECT pg_terminate_backend({raw.get_server_pid()}, 5000)"))
        # The driver notices when it next reads, or no longer follows what it has read.
        lost = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
        with pytest.raises(lost):
            await raw.execute("SELECT 1")
    for _ in range(3):
        async with database.transaction() as session:
            assert await session.scalar(text("SELECT 1")) == 1


async def test_a_refresh_takes_two_round_trips_of_a_lane(
    app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = new_browser()
    form = {"grant_type": "refresh_token", "client_id": "portal"}
    form["refresh_token"] = (await browser.token(PHONE)).json()["refresh_token"]
    sent: list[int] = []
    in_sessions: list[str] = []
    send = Connection.send

    def noted(connection: Connection, messages: list[bytes]) -> None:
        sent.append(len(messages))
        send(connection, messages)

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if any(table in statement for table in ("refresh_tokens", "grants", "audit_log")):
            in_sessions.append(statement)

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    monkeypatch.setattr(Connection, "send", noted)
    assert (await browser.http.post("/token", data=form)).status_code == 200
    event.remove(engine, "before_cursor_execute", note)
    # BEGIN and the locks before what is read; what is written before COMMIT.
    assert (sent, in_sessions) == ([2, 1], [])


async def test_a_session_renewed_for_a_week_is_replaced(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    app.state.settings.session_idle_seconds = 43_200
    browser = new_browser()
    await browser.token(PHONE)
    for _ in range(15):
        clock.advance(timedelta(hours=11, minutes=59))
        url = browser.authorize_url(verifier="v" * 43)
        assert (await browser.sign_in(PHONE, url)).status_code == 303
    async with app.state.database.transaction() as session:
        rows = (await session.scalars(select(BrowserSession).order_by(BrowserSession.id))).all()
    assert [row.ended_because for row in rows] == ["renewed for too long", None]


async def test_days_past_use_are_dropped_and_those_in_use_are_not(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    value = (await browser.token(PHONE)).json()["refresh_token"]
    async with app.state.database.transaction() as session:
        (row,) = (await session.scalars(select(BrowserSession))).all()
    made = instant_of(row.id)
    tables = [table for table in partitioned(app.state.settings) if isinstance(table, ByDay)]
    await maintain(app.state.database, tables, made + timedelta(hours=13))
    form = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": value}
    assert (await browser.http.post("/token", data=form)).status_code == 200
    async with app.state.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM sessions")) == 1
    changed = await maintain(app.state.database, tables, made + timedelta(days=10))
    gone = {f"{table.table}_part_{made:%Y%m%d}" for table in tables if table.table != "once_only"}
    assert gone <= set(changed)
    async with app.state.database.transaction() as session:
        for table in tables:
            assert await session.scalar(text(f"SELECT count(*) FROM {table.table}")) == 0
