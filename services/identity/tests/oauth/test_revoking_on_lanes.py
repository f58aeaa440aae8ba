"""Revoking a token on a lane leaves what it leaves in a session, in two round trips."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, select, text

from identity.audit.models import AuditRecord
from identity.base import Revocation, outbox
from identity.grants.models import Grant
from identity.oauth import service
from identity.oauth.state.models import OnceOnly, RefreshToken
from identity.oauth.state.running import in_session
from servicekit.lane_connections import Connection
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.locks import blocked
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.postgres import Migration

from .conftest import RP_SECRET

RP = ("rp", RP_SECRET)
OF_PEOPLE = ["refresh_token", "access_token", "reused", "code"]
WAITING = "wait_event_type = 'Lock' AND datname = current_database()"

Call = Callable[[], Awaitable[httpx.Response]]
Prepare = Callable[[str], Awaitable[Call]]

pytestmark = pytest.mark.usefixtures("clients")


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def prepare(app: FastAPI, new_browser: NewBrowser) -> Prepare:
    """Makes a call that revokes a token, which can be sent more than once; its events stay in the outbox."""
    async with app.state.database.transaction() as session:
        await session.execute(text("ALTER TABLE outbox ALTER COLUMN next_attempt_at SET DEFAULT 'infinity'"))

    async def make(kind: str) -> Call:
        browser = new_browser()
        if kind == "own":
            form = {"grant_type": "client_credentials", "resource": "urn:zhuxue:office"}
            own = (await browser.http.post("/token", data=form, auth=RP)).json()["access_token"]
            return lambda: browser.http.post("/revoke", data={"token": own}, auth=RP)
        code = await tools.code_for(browser)
        token: JsonObject = (await tools.redeem(browser, code)).json()
        if kind == "code":
            return lambda: tools.redeem(browser, code)
        if kind == "reused":
            second = (await tools.refresh(browser, token["refresh_token"])).json()
            await tools.refresh(browser, second["refresh_token"])
            return lambda: tools.refresh(browser, token["refresh_token"])
        form = {"token": token.get(kind, "unknown"), "client_id": "portal"}
        return lambda: browser.http.post("/revoke", data=form)

    return make


async def left(app: FastAPI, said: list[Any]) -> list[Any]:
    """What the calls have left, without ids; `said` are the events that this process has heard."""
    async with app.state.database.transaction() as session:
        grants = (await session.scalars(select(Grant).order_by(Grant.created_at, Grant.id))).all()
        names: dict[str, str] = {str(grant.id): "the grant" for grant in grants}
        revoked = (await session.scalars(select(Revocation))).all()
        events = (await session.scalars(select(outbox.row).order_by(outbox.row.seq))).all()
        records = (
            await session.scalars(
                select(AuditRecord)
                .where(AuditRecord.action.in_(["oauth.grant_revoked", "oauth.token_revoked"]))
                .order_by(AuditRecord.id)
            )
        ).all()
        tokens = (await session.scalars(select(RefreshToken).order_by(RefreshToken.issued_at))).all()
        found: list[Any] = [
            [grant.revoked_at for grant in grants],
            sorted((token.revoked_at is not None, token.used_at is not None) for token in tokens),
            [
                (row.sub, row.client_id, row.sid, names[row.grant_id], row.not_before, row.expires_at)
                for row in revoked
            ],
            [
                (row.source, row.type, row.subject, row.data | {"grant_id": names[row.data["grant_id"]]})
                for row in events
            ],
            [
                (
                    *(row.at, row.actor, row.action, row.target_id, row.correlation_id is not None),
                    {key: names.get(value, value) for key, value in row.details.items() if key != "jti"},
                )
                for row in records
            ],
            len((await session.scalars(select(OnceOnly))).all()),
            [message.model_dump(exclude={"grant_id"}) for message in said],
        ]
        for table in (
            "outbox",
            "revocations",
            "refresh_tokens",
            "authorization_codes",
            "grants",
            "once_only",
        ):
            await session.execute(text(f"DELETE FROM {table}"))
        # The database otherwise refuses to delete audit rows.
        await session.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        await session.execute(text("DELETE FROM audit_log"))
        await session.execute(text("ALTER TABLE audit_log ENABLE TRIGGER USER"))
    said.clear()
    return found


@pytest.mark.parametrize("kind", [*OF_PEOPLE, "own", "unknown"])
async def test_a_lane_and_a_session_leave_the_same(
    app: FastAPI, prepare: Prepare, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    app.state.database.listeners.append(said.append)

    async def both_times() -> tuple[list[tuple[int, Any]], list[Any]]:
        call = await prepare(kind)
        said.clear()
        answers = [await call(), await call()]
        return [(answer.status_code, answer.json()) for answer in answers], await left(app, said)

    on_lane = await both_times()

    async def elsewhere(database: Any, parts: Any, call: Any, **_: Any) -> Any:
        return await in_session(database, parts, call)

    monkeypatch.setattr(service, "on_lane", elsewhere)
    assert await both_times() == on_lane
    revoked, _, rows, events, records, _, heard = on_lane[1]
    # Once, though the call was made twice.
    if kind in OF_PEOPLE:
        assert [None not in revoked, len(rows), len(events), len(records), len(heard)] == [True, 1, 1, 1, 1]
    else:
        assert [rows, events, len(records), heard] == [[], [], int(kind == "own"), []]


@pytest.mark.parametrize("kind", OF_PEOPLE)
async def test_a_revocation_takes_two_round_trips_of_a_lane_and_is_heard_at_once(
    app: FastAPI, prepare: Prepare, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await prepare(kind)
    heard: list[object] = []
    app.state.database.listeners.append(heard.append)
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
    await call()
    event.remove(engine, "before_cursor_execute", note)
    assert in_sessions == []
    assert len(heard) == 1
    # BEGIN and the lock before what is read; token, grant, revocation, event and audit row before COMMIT.
    assert (
        sent
        == {
            "refresh_token": [2, 5],
            "access_token": [1, 4],
            # The successor is read in between.
            "reused": [2, 0, 4],
            "code": [2, 4],
        }[kind]
    )


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_a_lost_connection_is_503_revokes_nothing_and_the_call_can_be_repeated(
    app: FastAPI, prepare: Prepare, kind: str
) -> None:
    call = await prepare(kind)
    async with app.state.database.transaction() as session:
        grant = (await session.scalars(select(Grant).with_for_update())).one()
        task = asyncio.ensure_future(call())
        await blocked(app)
        end = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {WAITING}"
        assert (await session.scalars(text(end))).all() == [True]
        lost = await task
        assert grant.revoked_at is None
    assert (lost.status_code, lost.json()["code"]) == (503, "database_busy")
    assert "retry-after" in lost.headers
    async with app.state.database.transaction() as session:
        assert (await session.scalars(select(outbox.row))).all() == []
    assert (await call()).status_code == 200
    async with app.state.database.transaction() as session:
        assert (await session.scalars(select(Grant.revoked_at))).one() is not None
        assert len((await session.scalars(select(outbox.row))).all()) == 1


async def test_a_commit_that_was_not_answered_has_revoked_once(
    app: FastAPI, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await prepare("refresh_token")
    end = Connection.end

    async def lose(connection: Connection) -> None:
        await end(connection)
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "end", lose)
        lost = await call()
    assert (lost.status_code, lost.json()["code"]) == (503, "database_busy")
    assert (await call()).status_code == 200
    async with app.state.database.transaction() as session:
        assert len((await session.scalars(select(outbox.row))).all()) == 1
        assert len((await session.scalars(select(Revocation))).all()) == 1
