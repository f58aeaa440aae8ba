"""People of one line of authority, signed in at browsers, who call the REST API."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import select, text, update

from authkit.acr import MFA
from contracts.vocabulary import PlatformRole
from identity.cli_platform import appoint
from identity.memberships.models import Membership
from identity.sessions.models import BrowserSession
from identity.units.models import Unit
from services.identity.tests.support.running_identity import Browser
from testkit.clock import FrozenClock

CENTRE, PROVINCE, CITY, COUNTY = "19900000001", "19900001003", "19900001039", "19900001323"
"""The administrators of 全国中心, 山东省, 济南市, 历下区."""
COUNTY_HANDLER = "19900001324"
NEWCOMER = "13812345678"


@dataclass
class Person:
    """Somebody signed in at a browser."""

    browser: Browser
    phone: str
    headers: dict[str, str]

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.browser.http.request(method, f"/api/v1{path}", headers=self.headers, **more)

    async def ok(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.call(method, path, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def code(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        answer = await self.call(method, path, **more)
        return answer.status_code, answer.json().get("code", "")

    async def again(self) -> "Person":
        """With a new token of the next second: revocations apply to whole seconds."""
        clock: FrozenClock = self.browser.app.state.clock
        clock.advance(timedelta(seconds=1))
        self.headers = await self.browser.bearer(self.phone)
        return self

    async def sub(self) -> str:
        return str((await self.ok("GET", "/me"))["sub"])


SignIn = Callable[[str], Awaitable[Person]]


async def registered(browser: Browser, phone: str, name: str = "王小明") -> Person:
    answer = await browser.register(phone, name=name)
    assert answer.status_code == 201, answer.text
    return Person(browser, phone, await browser.bearer(phone))


ADMINISTRATORS = {
    "system_admin": ("13911110001", "秦安"),
    "security_admin": ("13911110002", "卫宁"),
    "audit_admin": ("13911110003", "沈鉴"),
}
"""Phone and name of the platform's administrators, who belong to no unit."""


async def platform_administrator(app: FastAPI, browser: Browser, role: str) -> Person:
    """Somebody who has registered, and whom the operator has appointed as the first of a kind."""
    phone, name = ADMINISTRATORS[role]
    answer = await browser.register(phone, name=name)
    assert answer.status_code == 201, answer.text
    answer = await browser.sign_in(phone, browser.authorize_url(verifier="v" * 43))
    assert answer.status_code == 303, answer.text
    person = Person(browser, phone, {})
    await appoint(app.state.settings, PlatformRole(role), phone)
    await stepped_up(app, person)
    return person


async def stepped_up(app: FastAPI, person: Person, *, ago: timedelta = timedelta()) -> None:
    """As after a one-time password, now or some time ago, whose pages have tests of their own."""
    row = UUID(person.browser.http.cookies["zhuxue_session"].partition(".")[0])
    values = {"acr": MFA, "amr": ["sms", "otp", "mfa"], "authenticated_at": app.state.clock.now() - ago}
    async with app.state.database.transaction() as session:
        await session.execute(update(BrowserSession).where(BrowserSession.id == row).values(values))
    person.headers = await person.browser.bearer(person.phone)


async def platform_administrators(app: FastAPI, new_browser: Callable[[], Browser]) -> dict[str, Person]:
    """One of each kind."""
    return {role: await platform_administrator(app, new_browser(), role) for role in ADMINISTRATORS}


async def end_memberships(app: FastAPI, sub: str) -> None:
    """Let a person belong to no unit, as if they had left."""
    values = {"ended_at": app.state.clock.now(), "is_primary": False}
    async with app.state.database.transaction() as session:
        await session.execute(update(Membership).where(Membership.account_id == UUID(sub)).values(values))


async def forget_codes(app: FastAPI) -> None:
    """So that a number may ask for a code again at once."""
    async with app.state.database.transaction() as session:
        await session.execute(text("DELETE FROM sms_codes"))
        await session.execute(text("DELETE FROM code_budgets"))


async def unit_of(app: FastAPI, code: str) -> UUID:
    async with app.state.database.transaction() as session:
        found: UUID = await session.scalar(select(Unit.id).where(Unit.code == code))
        return found


async def without_administrators(app: FastAPI, *codes: str) -> None:
    units = select(Unit.id).where(Unit.code.in_(codes))
    async with app.state.database.transaction() as session:
        await session.execute(update(Membership).where(Membership.unit_id.in_(units)).values(roles=[]))
