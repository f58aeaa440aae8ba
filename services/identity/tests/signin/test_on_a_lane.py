"""Signing in does the same on a lane, where it usually runs, and in a session, where it runs when it must."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.naming import Names
from servicekit import lane_sessions
from servicekit.db import Database
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.pages import csrf_of
from testkit.postgres import Migration

PHONE = "19900001323"
UNKNOWN = "13812345678"
WRONG = "000000"
SUSPEND = f"UPDATE accounts SET status = 'suspended' WHERE phone_masked LIKE '{PHONE[:3]}%{PHONE[-4:]}'"
EMPTIED = ("sms_codes", "code_budgets", "sms_messages", "sessions", "sign_ins")
# Of the moment, of the browser, or random.
CHANGING = {
    *("id", "at", "secret_hash", "code_hash", "ticket_hash", "key", "sealed", "topic", "correlation_id"),
    *("sid", "session_id"),
}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def in_a_session(database: Database, call: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    async with database.transaction() as session:
        return await call(session)


async def emptied(app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text(f"TRUNCATE {', '.join(EMPTIED)} CASCADE"))


async def rows(app: FastAPI, since: int) -> dict[str, list[dict[str, Any]]]:
    """What the tables have now, of the audit log what it has got `since` it had so many rows."""
    found = {}
    async with app.state.database.transaction() as session:
        for table, key, first in (*((name, "1", 0) for name in EMPTIED), ("audit_log", "id", since)):
            statement = text(f"SELECT to_jsonb(t) AS row FROM {table} t ORDER BY {key} OFFSET {first}")
            result = await session.execute(statement)
            found[table] = sorted((_steady(row.row) for row in result), key=str)
    return found


async def audit_rows(app: FastAPI) -> int:
    async with app.state.database.transaction() as session:
        return int(await session.scalar(text("SELECT count(*) FROM audit_log")))


def _steady(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in CHANGING}
    if isinstance(row.get("details"), dict):
        kept["details"] = _steady(row["details"])
    return kept


async def page(browser: Browser, phone: str, **more: str) -> Any:
    shown = await browser.http.get("/login", params={"return_to": "/account"})
    form = {"csrf": csrf_of(shown.text), "return_to": "/account", "phone": phone}
    return await browser.http.post("/login/code" if not more else "/login", data=form | more)


async def signed_in(browser: Browser) -> Any:
    await page(browser, PHONE)
    await page(browser, PHONE, code=WRONG)
    return await page(browser, PHONE, code=browser.last_code(PHONE))


async def unregistered(browser: Browser) -> Any:
    await page(browser, UNKNOWN)
    return await page(browser, UNKNOWN, code=WRONG)


async def suspended(browser: Browser) -> Any:
    await page(browser, PHONE)
    async with browser.app.state.database.transaction() as session:
        assert (await session.execute(text(SUSPEND))).rowcount == 1
    answer = await page(browser, PHONE, code=browser.last_code(PHONE))
    async with browser.app.state.database.transaction() as session:
        await session.execute(text(SUSPEND.replace("suspended", "active")))
    return answer


async def over_a_budget(browser: Browser) -> Any:
    async with browser.app.state.database.transaction() as session:
        await session.execute(text("INSERT INTO code_budgets VALUES ('total', '', 1000000, 'infinity')"))
    return await page(browser, PHONE)


async def too_soon(browser: Browser) -> Any:
    await page(browser, PHONE)
    return await page(browser, PHONE)


async def again(browser: Browser) -> Any:
    """A browser that has a session already: in a session in any case."""
    await signed_in(browser)
    await emptied(browser.app)
    return await page(browser, UNKNOWN)


@pytest.mark.parametrize("act", [signed_in, unregistered, suspended, over_a_budget, too_soon, again])
async def test_a_lane_and_a_session_leave_the_same(
    app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch, act: Any
) -> None:
    seen = []
    for on_lane in (lane_sessions.on_lane, in_a_session):
        monkeypatch.setattr("identity.signin.endpoints.on_lane", on_lane)
        await emptied(app)
        before, audited = len(app.state.sms.messages), await audit_rows(app)
        answer = await act(new_browser())
        await app.state.sms_dispatcher.caught_up()
        status, location = answer.status_code, answer.headers.get("location")
        seen.append((status, location, len(app.state.sms.messages) - before, await rows(app, audited)))
    assert seen[0] == seen[1]


async def test_a_plain_sign_in_needs_no_session(
    app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "transaction", lambda _: pytest.fail("a session was opened"))
    answer = await signed_in(new_browser())
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")


async def test_the_system_is_read_before_anything_is_locked(
    app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, seen = Names._read, []

    async def noted(names: Names, client_id: str) -> Any:
        lane = lane_sessions.lane_of(names._session)
        assert lane is not None
        seen.append(lane._connection)
        return await read(names, client_id)

    monkeypatch.setattr("identity.clients.cache.SECONDS", 0)
    monkeypatch.setattr(Names, "_read", noted)
    browser = new_browser()
    to = browser.authorize_url(verifier="v" * 64).removeprefix("http://localhost:8001")
    shown = await browser.http.get("/login", params={"return_to": to})
    form = {"csrf": csrf_of(shown.text), "return_to": to, "phone": PHONE}
    for path, more in (("/login/code", {}), ("/login", {"code": WRONG})):
        await browser.http.post(path, data=form | more)
    assert seen == [None] * 3
