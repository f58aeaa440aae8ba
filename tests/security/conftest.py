"""One issuer for all findings, served over TCP, with the people of a line of authority."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text

from messaging.inprocess import InProcessBus
from services.identity.tests.support.people import COUNTY
from services.identity.tests.support.running_identity import Browser, running, with_one_line
from testkit.clock import RunningClock
from testkit.postgres import Templates
from testkit.relying_party import TLS
from testkit.serving import Served

from .replaying import REQUESTS, Attack

CALLBACK = "https://evil.example.cn/cb"


@dataclass
class Site:
    """The issuer, and the people at its pages."""

    app: FastAPI
    origin: str
    opened: list[httpx.AsyncClient] = field(default_factory=list)
    _bearers: dict[str, dict[str, str]] = field(default_factory=dict)

    def browser(self) -> Browser:
        """A browser of its own, where nobody has signed in."""
        client = httpx.AsyncClient(base_url=self.origin, verify=TLS, timeout=60)

        async def texts_have_arrived(answer: httpx.Response) -> None:
            if answer.request.url.path == "/login/code":
                await self.app.state.sms_dispatcher.caught_up()

        client.event_hooks["response"].append(texts_have_arrived)
        self.opened.append(client)
        return _Patient(self.app, client)

    async def bearer(self, phone: str) -> dict[str, str]:
        """The header of somebody who calls the API."""
        if phone not in self._bearers:
            self._bearers[phone] = await self.browser().bearer(phone)
        return self._bearers[phone]

    async def call(self, phone: str, method: str, path: str, *, json: object = None) -> Any:
        """Prepare something over the API: it succeeds."""
        headers = await self.bearer(phone) | {"If-Match": "*"}
        answer = await self.browser().http.request(method, f"/api/v1{path}", headers=headers, json=json)
        assert answer.is_success, answer.text
        return answer.json()

    async def unit(self, phone: str) -> str:
        """The unit that somebody works for."""
        return str((await self.call(phone, "GET", "/me"))["unit_id"])

    async def register(self, phone: str = COUNTY, **changes: object) -> dict[str, Any]:
        """Register a client, as the unit of `phone` may."""
        body = {
            "client_name": "奖助系统",
            "redirect_uris": [CALLBACK],
            "owner_unit_id": await self.unit(phone),
        }
        made: dict[str, Any] = await self.call(phone, "POST", "/clients", json=body | changes)
        return made


class _Patient(Browser):
    """A browser whose person may ask for SMS codes as often as a test signs in."""

    async def sign_in(self, phone: str, return_to: str) -> httpx.Response:
        async with self.app.state.database.transaction() as session:
            await session.execute(text("DELETE FROM sms_codes"))
        return await super().sign_in(phone, return_to)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    port = Served()
    yield port
    port.close()


@pytest.fixture(scope="module")
def clock() -> RunningClock:
    return RunningClock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(database_templates: Templates, served: Served, clock: RunningClock) -> AsyncIterator[Site]:
    url = await database_templates.new_database("identity", with_one_line)
    async with running(url, clock, served.url, bus=InProcessBus()) as app, served.running(app):
        made = Site(app, served.url)
        yield made
        for client in made.opened:
            await client.aclose()
    database_templates.discard(url)


@pytest.fixture
def attack(request: pytest.FixtureRequest, site: Site) -> Iterator[Attack]:
    """The requests of the finding that the test is named after: all of them are sent."""
    number = request.node.name.split("_")[1]
    (path,) = REQUESTS.glob(f"{number}-*.http")
    made = Attack(path, site.origin, {"host": site.origin.removeprefix("http://")})
    yield made
    assert made.replayed == set(made.requests), "not sent"
