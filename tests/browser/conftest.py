"""Identity at a real address, and people at Chromium."""

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from testkit.browsers import DESKTOP, PATIENCE, PHONE, NewPage, Screen
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory
from testkit.serving import Served

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.async_api import Page

COUNTY_ADMIN = "19900001323"
"""历下区's administrator in the line of authority that these tests begin with."""


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands at the present until a test moves it; Chromium has its own."""
    return FrozenClock(datetime.now(UTC))


@dataclass
class Site:
    """Identity, served on a port."""

    app: "FastAPI"
    url: str
    clock: FrozenClock

    async def last_text(self, phone: str) -> str:
        """The latest text message to a number."""
        await self.app.state.sms_dispatcher.caught_up()
        return next(str(m.text) for m in reversed(self.app.state.sms.messages) if m.phone == phone)

    async def last_code(self, phone: str) -> str:
        """The code in the latest text message to a number."""
        found = re.search(r"\d{6}", await self.last_text(phone))
        assert found is not None, await self.last_text(phone)
        return found.group()

    def texts(self, phone: str) -> int:
        """How many text messages went to a number."""
        return sum(m.phone == phone for m in self.app.state.sms.messages)


@pytest.fixture
async def site(database_factory: DatabaseFactory, clock: FrozenClock) -> AsyncIterator[Site]:
    """Identity with the line of authority down to 历下区, in dev mode."""
    from services.identity.tests.support.running_identity import running, with_one_line

    served = Served()
    database = await database_factory("identity", with_one_line)
    async with running(database, clock, served.url) as app, served.running(app):
        yield Site(app, served.url, clock)
    served.close()


@dataclass
class Person:
    """Somebody at a browser."""

    site: Site
    page: "Page"
    phone: str = COUNTY_ADMIN
    screen: Screen = DESKTOP
    scripts: bool = True
    asked: list[str] = field(default_factory=list)

    async def visit(self, path: str) -> None:
        """Go to an address of the site."""
        await self.page.goto(self.site.url + path)

    async def ask_for_code(self, path: str = "/account") -> None:
        """Go to a page that needs a session, and have a code sent, by keyboard."""
        await self.visit(path)
        await self.page.get_by_label("手机号").fill(self.phone)
        await self.page.keyboard.press("Enter")
        await self.focused("短信验证码")

    async def focused(self, label: str) -> None:
        """Wait until the page has given the focus to the field with this label."""
        await expect(self.page.get_by_label(label, exact=True)).to_be_focused(timeout=PATIENCE * 1000)

    async def sign_in(self, path: str = "/account") -> None:
        """Go to a page through signing in."""
        await self.ask_for_code(path)
        await self.page.get_by_label("短信验证码").fill(await self.site.last_code(self.phone))
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url(lambda url: "/login" not in url)

    async def stop_updating(self) -> None:
        """Have the page that waits for a text message stand still."""
        await self.page.get_by_role("link", name="停止自动更新").click()
        await self.page.get_by_role("link", name="改为自动更新").wait_for()
        await expect(self.page.get_by_role("button", name="我已发送")).to_be_focused(timeout=PATIENCE * 1000)

    async def heading(self) -> str:
        """The page's main heading."""
        return (await self.page.get_by_role("heading", level=1).inner_text()).strip()


NewPerson = Callable[..., Awaitable[Person]]


@pytest.fixture
def new_person(site: Site, new_page: NewPage) -> NewPerson:
    """Makes people, each at a browser of their own."""

    async def make(phone: str = COUNTY_ADMIN, screen: Screen = DESKTOP, *, scripts: bool = True) -> Person:
        return Person(site, await new_page(screen, scripts=scripts), phone, screen, scripts)

    return make


@dataclass(frozen=True)
class Way:
    """A size that the pages are made for, with JavaScript or without."""

    screen: Screen
    scripts: bool

    def __str__(self) -> str:
        return f"{self.screen.name}, {'scripts' if self.scripts else 'no scripts'}"


WAYS = (Way(DESKTOP, scripts=True), Way(PHONE, scripts=False))
"""Each size once, and with and without JavaScript once."""
OTHER_WAYS = (Way(DESKTOP, scripts=False), Way(PHONE, scripts=True))
"""At night, with `BROWSER_WAYS=all`."""


@pytest.fixture(params=WAYS + OTHER_WAYS * (os.environ.get("BROWSER_WAYS") == "all"), ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    """How somebody looks at the pages."""
    found: Way = request.param
    return found


@pytest.fixture
def screen(way: Way) -> Screen:
    """The size of the screen."""
    return way.screen


@pytest.fixture
def scripts(way: Way) -> bool:
    """Whether the browser runs JavaScript."""
    return way.scripts
