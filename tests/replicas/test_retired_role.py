"""A custom role from its definition to its end, from Identity to Office: what Office allows by it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import AnyHttpUrl, SecretStr
from sqlalchemy import text

import office.app
from messaging.inprocess import InProcessBus
from office.base import MIGRATIONS
from office.settings import Settings
from servicekit.migrations import upgrade
from services.identity.tests.support.people import (
    COUNTY,
    COUNTY_HANDLER,
    Person,
    platform_administrator,
    unit_of,
)
from services.identity.tests.support.running_identity import Browser, running, with_one_line
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory
from testkit.serving import Served

ROLE = {"code": "receipt_clerk", "name": "签收员", "permissions": ["notices.receive"], "reason": "专人签收"}
WHY = {"reason": "岗位撤销"}
SIGN = "/api/v1/notices/01930000-0000-7000-8000-0000000000aa/sign"


@dataclass
class Both:
    """Identity and Office on one bus."""

    identity: FastAPI
    office: FastAPI
    new_browser: Callable[[], Browser]

    async def person(self, phone: str) -> Person:
        browser = self.new_browser()
        return Person(browser, phone, await browser.bearer(phone))

    async def sign(self, headers: dict[str, str]) -> httpx.Response:
        """Sign a notice that does not exist: 404 for whoever may sign."""
        transport = httpx.ASGITransport(self.office)
        async with httpx.AsyncClient(transport=transport, base_url="http://office.test") as client:
            return await client.post(SIGN, headers=headers)

    async def allowed(self) -> list[str] | None:
        """What the role allows by Office's copy."""
        async with self.office.state.database.transaction() as session:
            found: list[str] | None = await session.scalar(
                text("SELECT permissions FROM roles WHERE code = 'receipt_clerk'")
            )
            return found


@pytest.fixture
async def both(database_factory: DatabaseFactory, tmp_path: Path) -> AsyncIterator[Both]:
    served, bus, clock = Served(), InProcessBus(), FrozenClock(datetime.now(UTC))
    url = await database_factory("office")
    await upgrade(MIGRATIONS, url)
    async with AsyncExitStack() as stack:
        database = await database_factory("identity", with_one_line)
        identity = await stack.enter_async_context(running(database, clock, served.url, bus=bus))
        await stack.enter_async_context(served.running(identity))
        settings = Settings(
            mode="dev",
            issuer=served.url,
            database_url=url,
            identity_url=AnyHttpUrl(served.url),
            jwks_url=f"{served.url}/jwks",
            client_id="office",
            client_secret=SecretStr("o" * 40),
            file_store_url=f"file://{tmp_path}",
        )
        application = office.app.build(settings, bus)
        await stack.enter_async_context(application.router.lifespan_context(application))
        clients: list[httpx.AsyncClient] = []

        async def texts_have_arrived(_: httpx.Response) -> None:
            await identity.state.sms_dispatcher.caught_up()

        def browser() -> Browser:
            hooks = {"response": [texts_have_arrived]}
            clients.append(httpx.AsyncClient(base_url=served.url, timeout=60, event_hooks=hooks))
            return Browser(identity, clients[-1])

        yield Both(identity, application, browser)
        for client in clients:
            await client.aclose()
    served.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)


async def test_a_retired_role_allows_nothing_in_office(both: Both) -> None:
    security = await platform_administrator(both.identity, both.new_browser(), "security_admin")
    system = await platform_administrator(both.identity, both.new_browser(), "system_admin")
    county, clerk = await both.person(COUNTY), await both.person(COUNTY_HANDLER)
    asked = await security.ok("POST", "/platform/roles", json=ROLE)
    await system.ok("POST", f"/platform/role-changes/{asked['id']}/confirm")
    member = f"/units/{await unit_of(both.identity, '370102')}/members/{await clerk.sub()}"
    await county.ok("PATCH", member, json={"roles": ["receipt_clerk"], "reason": "专人签收"})
    await clerk.again()
    before = await clerk.browser.bearer(clerk.phone, "urn:zhuxue:office")
    assert (await both.sign(before)).status_code == 404

    async def known() -> bool:
        return await both.allowed() == ["notices.receive"]

    async def forgotten() -> bool:
        return await both.allowed() == []

    async def refused() -> bool:
        answer = await both.sign(before)
        return answer.status_code == 401 and answer.json()["code"] == "token_revoked"

    await until(known)
    await security.ok("POST", "/platform/roles/receipt_clerk/retire", json=WHY)
    # The token from before is refused; a new one allows nothing, and Office asks nobody for the role's sake.
    await until(refused)
    await until(forgotten)
    await clerk.again()
    after = await both.sign(await clerk.browser.bearer(clerk.phone, "urn:zhuxue:office"))
    assert (after.status_code, after.json()["code"]) == (403, "permission_required")
