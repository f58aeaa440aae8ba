"""A fault in the middle of a token request: nothing is given, nothing is used, and the client asks again."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jws
from sqlalchemy import select, text

from identity.accounts.models import Account
from identity.clients.models import secret_hash
from identity.oauth.state.models import RefreshToken
from identity.sessions.models import BrowserSession
from servicekit.lane_connections import Connection
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.locks import blocked
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clock import FrozenClock
from testkit.postgres import Migration

from .conftest import RP_SECRET

RP = ("rp", RP_SECRET)

WAITING = "wait_event_type = 'Lock' AND datname = current_database()"
KINDS = pytest.mark.parametrize("kind", ["code", "rotation", "confidential"])

Request = Callable[[], Awaitable[httpx.Response]]
Prepare = Callable[[str], Awaitable[Request]]

pytestmark = pytest.mark.usefixtures("clients")


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def prepare(new_browser: NewBrowser) -> Prepare:
    """Makes a request of a kind, which can be sent more than once."""

    async def make(kind: str) -> Request:
        here = new_browser()
        if kind == "confidential":
            code = await tools.code_for(here, client_id="rp", scope="openid offline_access")
            value = (await tools.redeem(here, code, auth=RP)).json()["refresh_token"]
            return lambda: tools.refresh(here, value, auth=RP)
        code = await tools.code_for(here)
        if kind == "code":
            return lambda: tools.redeem(here, code)
        value = (await tools.redeem(here, code)).json()["refresh_token"]
        return lambda: tools.refresh(here, value)

    return make


@KINDS
async def test_a_lost_connection_is_503_and_the_request_can_be_repeated(
    app: FastAPI, prepare: Prepare, kind: str
) -> None:
    request = await prepare(kind)
    async with app.state.database.transaction() as session:
        sub = (await session.scalars(select(BrowserSession.account_id))).one()
        await session.get(Account, sub, with_for_update=True)
        task = asyncio.ensure_future(request())
        await blocked(app)
        end = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {WAITING}"
        assert (await session.scalars(text(end))).all() == [True]
        answer = await task
    assert (answer.status_code, answer.json()["code"]) == (503, "database_busy")
    assert "retry-after" in answer.headers
    assert (await request()).status_code == 200


@KINDS
async def test_a_commit_that_was_not_answered_gives_nothing_twice(
    app: FastAPI, prepare: Prepare, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await prepare(kind)
    end = Connection.end

    async def lose(connection: Connection) -> None:
        await end(connection)
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "end", lose)
        lost = await request()
    assert (lost.status_code, lost.json()["code"]) == (503, "database_busy")
    assert "retry-after" in lost.headers
    again = await request()
    # A used code is not redeemed again; a used refresh token has one successor.
    assert again.status_code == (400 if kind == "code" else 200)
    async with app.state.database.transaction() as session:
        stored = (await session.scalars(select(RefreshToken.token_hash).order_by(RefreshToken.id))).all()
    assert len(stored) == (2 if kind == "rotation" else 1)
    if kind == "rotation":
        assert secret_hash(again.json()["refresh_token"]) in stored


async def test_a_clock_that_is_set_back_does_not_make_reuse_a_retry(
    prepare: Prepare, clock: FrozenClock
) -> None:
    clock.advance(timedelta(hours=2))
    request = await prepare("rotation")
    assert (await request()).status_code == 200
    assert (await request()).status_code == 200
    clock.set_back(timedelta(hours=1))
    refused = await request()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@KINDS
@pytest.mark.parametrize("jump", [FrozenClock.advance, FrozenClock.set_back], ids=["on", "back"])
async def test_a_clock_that_jumps_issues_tokens_of_its_new_time(
    prepare: Prepare, clock: FrozenClock, kind: str, jump: Callable[[FrozenClock, timedelta], datetime]
) -> None:
    clock.advance(timedelta(hours=2))
    request = await prepare(kind)
    jump(clock, timedelta(hours=1))
    answer = await request()
    if kind == "code" and jump is FrozenClock.advance:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        return
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    claims = json.loads(jws.extract_compact(token.encode()).payload)
    now = int(clock.now().timestamp())
    assert (claims["iat"], claims["exp"] - now) == (now, answer.json()["expires_in"])


@KINDS
async def test_nothing_is_given_or_used_without_its_audit_row(
    app: FastAPI, prepare: Prepare, kind: str
) -> None:
    request = await prepare(kind)
    await rename(app, "audit_log", "audit_log_gone")
    answer = await request()
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    await rename(app, "audit_log_gone", "audit_log")
    assert (await request()).status_code == 200


async def test_a_key_that_is_withdrawn_neither_signs_nor_verifies(
    app: FastAPI, prepare: Prepare, clock: FrozenClock
) -> None:
    request = await prepare("confidential")
    before = (await request()).json()["access_token"]
    assert (await introspected(app, before))["active"]
    async with app.state.database.transaction() as session:
        kid = jws.extract_compact(before.encode()).headers()["kid"]
        ring = app.state.key_ring
        await session.run_sync(lambda sync: ring.retire(sync, clock.now(), kid, at_once=True))
    after = (await request()).json()["access_token"]
    assert jws.extract_compact(after.encode()).headers()["kid"] != kid
    assert (await introspected(app, before), (await introspected(app, after))["active"]) == (
        {"active": False},
        True,
    )


async def introspected(app: FastAPI, token: str) -> JsonObject:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8001") as http:
        answer = await http.post("/introspect", data={"token": token}, auth=RP)
    found: JsonObject = answer.json()
    return found


async def rename(app: FastAPI, name: str, new: str) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text(f"ALTER TABLE {name} RENAME TO {new}"))
