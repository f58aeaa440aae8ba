"""Text messages leave after the commit, outside of any transaction, and each once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Row, text

from identity.codes.pruning import prune
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.errors import SmsRefused, SmsUnavailable
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

PHONE = "13812345678"
TRANSACTIONS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
)
MESSAGE = "SELECT * FROM sms_messages ORDER BY id"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@dataclass
class Gateway:
    """A gateway that waits for `open` and then answers `answer` to every message."""

    answer: Exception | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[str] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    async def send(self, phone: str, text: str, *, key: str | None = None) -> None:
        self.begun.append(phone)
        self.keys.append(key)
        await self.open.wait()
        if self.answer is not None:
            raise self.answer
        self.taken.append((phone, text))

    async def close(self) -> None:
        self.open.set()


@pytest.fixture
async def gateway(app: FastAPI) -> AsyncIterator[Gateway]:
    """In place of the inbox; open."""
    made = Gateway()
    made.open.set()
    inbox, app.state.sms_dispatcher.gateway = app.state.sms_dispatcher.gateway, made
    yield made
    made.open.set()
    app.state.sms_dispatcher.gateway = inbox


@pytest.fixture
async def http(connect: Callable[[], httpx.AsyncClient]) -> AsyncIterator[httpx.AsyncClient]:
    """A client that does not wait for messages to arrive."""
    async with connect() as client:
        yield client


async def ask(http: httpx.AsyncClient, phone: str = PHONE, **more: str) -> httpx.Response:
    return await http.post("/api/v1/sms-codes", json={"phone": phone, "purpose": "register"} | more)


def number(n: int) -> str:
    return f"1381234{n:04d}"


async def run(app: FastAPI, statement: str) -> list[Row[Any]]:
    async with app.state.database.transaction() as session:
        return list(await session.execute(text(statement)))


async def no_transaction(app: FastAPI) -> None:
    """Until no other connection to this database has a transaction open."""
    async with asyncio.timeout(60), app.state.database.engine.connect() as connection:
        while await connection.scalar(text(TRANSACTIONS)):
            await connection.commit()
            await asyncio.sleep(0.005)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


async def test_a_slow_gateway_holds_no_transaction(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway
) -> None:
    """The message was once sent inside the request's transaction: a connection and row locks for 5 s."""
    gateway.open.clear()
    async with asyncio.timeout(60):
        assert (await ask(http)).status_code == 202
    await until(lambda: gateway.begun == [PHONE])
    # Background tasks have short transactions of their own.
    await no_transaction(app)
    gateway.open.set()
    await app.state.sms_dispatcher.drain()
    assert [phone for phone, _ in gateway.taken] == [PHONE]


async def test_number_and_text_are_encrypted_and_deleted_when_the_message_is_sent(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway
) -> None:
    gateway.open.clear()
    await ask(http)
    await until(lambda: bool(gateway.begun))
    (row,) = await run(app, MESSAGE)
    assert row.sealed is not None
    stored = " ".join(map(str, row)) + row.sealed.decode("latin-1")
    assert PHONE not in stored
    assert "验证码".encode().decode("latin-1") not in stored
    gateway.open.set()
    await app.state.sms_dispatcher.drain()
    (row,) = await run(app, MESSAGE)
    assert (row.sealed, row.dead_at, row.attempts) == (None, None, 1)
    assert row.sent_at is not None


async def test_a_rolled_back_request_sends_nothing(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway
) -> None:
    assert (await ask(http)).status_code == 202
    with_budgets(app, sms_budget_per_address=1)
    assert (await ask(http)).json()["code"] == "code_budget_spent"
    await app.state.sms_dispatcher.drain()
    assert len(gateway.taken) == len(await run(app, MESSAGE)) == 1


async def test_a_message_that_fails_is_tried_again_later_each_time(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, clock: FrozenClock
) -> None:
    gateway.answer = SmsUnavailable()
    dispatcher: SmsDispatcher = app.state.sms_dispatcher
    await ask(http)
    for seconds, attempts in ((0, 1), (0.9, 1), (0.1, 2), (1.9, 2), (0.1, 3)):
        clock.advance(timedelta(seconds=seconds))
        await dispatcher.drain()
        (row,) = await run(app, MESSAGE)
        assert (row.attempts, row.last_error) == (attempts, "SmsUnavailable")
    gateway.answer = None
    clock.advance(timedelta(seconds=4))
    await dispatcher.drain()
    assert [phone for phone, _ in gateway.taken] == [PHONE]
    assert len(set(gateway.keys)) == 1


async def test_a_code_is_given_up_when_it_has_expired(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, clock: FrozenClock
) -> None:
    gateway.answer = SmsUnavailable()
    await ask(http)
    await app.state.sms_dispatcher.drain()
    gateway.answer = None
    clock.advance(timedelta(minutes=5))
    await app.state.sms_dispatcher.drain()
    (row,) = await run(app, MESSAGE)
    assert (row.sealed, row.last_error, gateway.taken) == (None, "expired", [])
    assert row.dead_at is not None


async def test_a_refused_message_is_given_up_at_once(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway
) -> None:
    gateway.answer = SmsRefused("HTTP 400")
    await ask(http)
    await app.state.sms_dispatcher.drain()
    (row,) = await run(app, MESSAGE)
    assert (row.sealed, row.last_error, row.attempts) == (None, "HTTP 400", 1)


async def test_a_newer_code_replaces_one_that_has_not_left(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, clock: FrozenClock
) -> None:
    """Arriving after it, the older one would be typed in and be wrong."""
    gateway.answer = SmsUnavailable()
    ticket = (await ask(http)).json()["ticket"]
    await app.state.sms_dispatcher.drain()
    clock.advance(timedelta(seconds=61))
    gateway.answer = None
    assert (await ask(http, ticket=ticket)).status_code == 202
    await app.state.sms_dispatcher.drain()
    first, second = await run(app, MESSAGE)
    assert (first.last_error, second.last_error) == ("superseded", None)
    assert len(gateway.taken) == 1


@pytest.fixture
async def other(app: FastAPI, gateway: Gateway, clock: FrozenClock) -> SmsDispatcher:
    """The dispatcher of another process."""
    return SmsDispatcher(app.state.database, app.state.vault, gateway, clock, poll_seconds=0.01)


async def test_two_processes_send_each_message_once(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, other: SmsDispatcher
) -> None:
    gateway.open.clear()
    await asyncio.gather(*(ask(http, number(n)) for n in range(10)))
    draining = asyncio.gather(*(each.drain() for each in (other, app.state.sms_dispatcher) * 2))
    await until(lambda: len(gateway.begun) == 10)
    gateway.open.set()
    await draining
    assert sorted(phone for phone, _ in gateway.taken) == [number(n) for n in range(10)]


async def test_a_message_of_a_process_that_died_is_sent_by_another_one(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, other: SmsDispatcher, clock: FrozenClock
) -> None:
    gateway.open.clear()
    await ask(http)
    await until(lambda: bool(gateway.begun))
    await other.drain()
    assert len(gateway.begun) == 1
    clock.advance(timedelta(seconds=60))
    draining = asyncio.ensure_future(other.drain())
    await until(lambda: gateway.begun == [PHONE, PHONE])
    gateway.open.set()
    await draining


async def test_messages_of_another_process_are_found_by_polling(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, other: SmsDispatcher, clock: FrozenClock
) -> None:
    gateway.answer = SmsUnavailable()
    await ask(http)
    await app.state.sms_dispatcher.drain()
    gateway.answer = None
    async with other.running():
        clock.advance(timedelta(seconds=5))
        await until(lambda: len(gateway.taken) == 1)


async def test_a_gateway_that_is_away_is_said_and_leaves_no_code(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, clock: FrozenClock
) -> None:
    gateway.answer = SmsUnavailable()
    dispatcher: SmsDispatcher = app.state.sms_dispatcher
    for n in range(3):
        assert (await ask(http, number(n))).status_code == 202
        await dispatcher.drain()
    clock.advance(timedelta(seconds=10))
    refused = await ask(http, number(3))
    assert (refused.status_code, refused.json()["code"]) == (503, "sms_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert len(await run(app, "SELECT id FROM sms_codes")) == 3
    gateway.answer = None
    await dispatcher.drain()
    assert len(gateway.taken) == 3
    assert (await ask(http, number(3))).status_code == 202


def with_budgets(app: FastAPI, **budgets: int) -> None:
    app.state.settings = app.state.settings.model_copy(update=budgets)


async def test_the_budget_of_an_address_holds_for_requests_at_the_same_time(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway
) -> None:
    """It was once compared with a count of committed rows."""
    with_budgets(app, sms_budget_per_address=3)
    answers = await asyncio.gather(*(ask(http, number(n)) for n in range(12)))
    assert sorted(answer.status_code for answer in answers) == [202] * 2 + [403] * 10
    await app.state.sms_dispatcher.drain()
    assert len(gateway.taken) == 2


async def test_the_deployment_has_a_budget_and_says_when_there_is_more(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, clock: FrozenClock
) -> None:
    with_budgets(app, sms_budget_total=1)
    answers = await asyncio.gather(*(ask(http, number(n)) for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] + [503] * 7
    clock.advance(timedelta(minutes=20))
    refused = await ask(http)
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("sms_unavailable", "2400")
    clock.advance(timedelta(minutes=40))
    assert (await ask(http)).status_code == 202


async def test_a_refused_request_spends_nothing(
    app: FastAPI, http: httpx.AsyncClient, new_browser: NewBrowser, gateway: Gateway
) -> None:
    """Not on the page either, which is answered although it refuses."""
    with_budgets(app, sms_budget_per_address=1)
    assert (await ask(http)).status_code == 202
    browser = new_browser()
    for n in range(1, 4):
        refused = await browser.ask_for_code(number(n))
        assert refused.status_code == 429
    used = await run(app, "SELECT kind, used FROM code_budgets ORDER BY kind")
    kinds = ("address", "browser", "number", "share", "total")
    assert [tuple(row) for row in used] == [(kind, 1) for kind in kinds]


async def test_budgets_of_the_past_are_deleted(
    app: FastAPI, http: httpx.AsyncClient, gateway: Gateway, clock: FrozenClock
) -> None:
    await ask(http)
    clock.advance(timedelta(hours=1))
    await prune(app.state.database, clock)
    kept = await run(app, "SELECT kind FROM code_budgets ORDER BY kind")
    assert [row.kind for row in kept] == ["number", "share"]
