"""Fixtures of Identity's tests: the running application on a migrated database, with world S at hand.

Imports the service only when a test asks for it, so that tests of rules start at once.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from identity import bootstrap
    from services.identity.tests.support.running_identity import Browser
    from testkit.postgres import Migration


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands at the present until a test moves it: tokens are checked by the real one."""
    return FrozenClock(datetime.now(UTC))


@pytest.fixture
def one_line_world() -> "bootstrap.World":
    """Who is there with `one_line`."""
    from services.identity.tests.support.running_identity import line_of_authority

    return line_of_authority()


@pytest.fixture
def one_line() -> "Migration":
    """In place of world S, where a line of authority is enough."""
    from services.identity.tests.support.running_identity import with_one_line

    return with_one_line


@pytest.fixture
def prepared() -> "Migration":
    """Makes what every test begins with, once; a folder of tests may override it with a smaller world."""
    from services.identity.tests.support.running_identity import with_world_s

    return with_world_s


@pytest.fixture
def issuer() -> str:
    """Where the issuer is."""
    return "http://localhost:8001"


@pytest.fixture
async def app(
    database_factory: DatabaseFactory, clock: FrozenClock, prepared: "Migration", issuer: str
) -> "AsyncIterator[FastAPI]":
    """Identity with keys, clients and its world, in dev mode."""
    from services.identity.tests.support.running_identity import running

    async with running(await database_factory("identity", prepared), clock, issuer) as application:
        yield application


@pytest.fixture
def clients_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that change registrations in the database; the cache of clients has tests of its own."""
    monkeypatch.setattr("identity.clients.cache.SECONDS", 0)


@pytest.fixture
def connect(app: "FastAPI", issuer: str) -> "Callable[[], httpx.AsyncClient]":
    """Opens HTTP clients of the issuer; here without a network."""
    import httpx

    return lambda: httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=issuer)


@pytest.fixture
async def new_browser(
    app: "FastAPI", connect: "Callable[[], httpx.AsyncClient]"
) -> "AsyncIterator[Callable[[], Browser]]":
    """A factory of browsers, each with cookies of its own."""
    from services.identity.tests.support.running_identity import Browser

    clients: list[httpx.AsyncClient] = []

    async def texts_have_arrived(_: "httpx.Response") -> None:
        # In a context of its own: what the dispatcher does is not done by the request.
        await asyncio.create_task(app.state.sms_dispatcher.caught_up(), context=contextvars.Context())

    def make() -> Browser:
        client = connect()
        client.event_hooks["response"].append(texts_have_arrived)
        clients.append(client)
        return Browser(app, client)

    yield make
    for client in clients:
        await client.aclose()
