"""The portal, Identity and Office, each on a port, and people at browsers."""

import functools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import AnyHttpUrl, SecretStr
from sqlalchemy import text

import office.app
import portal.app
from identity.bootstrap import Workbench
from messaging.inprocess import InProcessBus
from office.base import MIGRATIONS as OFFICE
from office.settings import Settings as OfficeSettings
from onebox import web
from portal.base import MIGRATIONS as PORTAL
from portal.settings import Settings as PortalSettings
from servicekit.migrations import upgrade
from services.identity.tests.support.running_identity import running, with_one_line
from testkit.clock import FrozenClock, RunningClock
from testkit.pages import csrf_of
from testkit.plugin import DatabaseFactory
from testkit.postgres import Migration
from testkit.serving import Served

from .leaks import Watched

COUNTY_ADMIN = "19900001323"
"""历下区's administrator in the line of authority that these tests begin with."""
KEY = "5b" * 32


@dataclass
class Site:
    """The services that run and the clock that Identity and the portal go by."""

    identity: FastAPI
    office: FastAPI
    portal: FastAPI
    identity_url: str
    url: str
    clock: FrozenClock
    bus: InProcessBus

    async def last_code(self, phone: str) -> str:
        """The code in the latest text message to a number."""
        await self.identity.state.sms_dispatcher.caught_up()
        sent = next(m.text for m in reversed(self.identity.state.sms.messages) if m.phone == phone)
        found = re.search(r"\d{6}", sent)
        assert found is not None
        return found.group()


@dataclass
class Visitor:
    """A browser: cookies by host and port, as if each had a name of its own, and every answer it got."""

    site: Site
    http: httpx.AsyncClient
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: list[httpx.Response] = field(default_factory=list)
    returns_to: str = ""
    """The process of the portal that gets the browser back from Identity, if not the one that it left."""

    def knows(self, twin: str) -> None:
        """Have one jar of cookies for two processes: browsers see one portal."""
        self.cookies[urlsplit(twin).netloc] = self.cookies.setdefault(urlsplit(self.site.url).netloc, {})

    async def send(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Send one request; relative addresses are those of the portal."""
        address = urljoin(self.site.url + "/", url)
        host = urlsplit(address).netloc
        kept = self.cookies.setdefault(host, {})
        headers = dict(more.pop("headers", {}))
        if kept:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())
        answer = await self.http.request(method, address, headers=headers, **more)
        # All visitors share the client, and each has cookies of their own.
        self.http.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    kept.pop(name, None)
                else:
                    kept[name] = morsel.value
        self.answers.append(answer)
        return answer

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the portal as its pages do."""
        headers = {"x-csrf": "1", "sec-fetch-site": "same-origin", **more.pop("headers", {})}
        return await self.send(method, path, headers=headers, **more)

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """Follow redirects until there is a page or an address of the portal that is no `/bff/`."""
        while answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["location"])
            if self.returns_to and target.startswith(f"{self.site.url}/bff/callback"):
                target = self.returns_to + target.removeprefix(self.site.url)
            if target.startswith((self.site.url, self.returns_to or self.site.url)) and "/bff/" not in target:
                return answer
            answer = await self.send("GET", target)
        return answer

    async def sign_in(self, phone: str = COUNTY_ADMIN, path: str = "/bff/login") -> httpx.Response:
        """Go to the portal through Identity; return the portal's last answer."""
        answer = await self.follow(await self.send("GET", path))
        if "/login" not in str(answer.url):
            return answer
        # Whoever has just signed in elsewhere need not wait for another code.
        async with self.site.identity.state.database.transaction() as session:
            await session.execute(text("UPDATE sms_codes SET sent_at = sent_at - interval '2 minutes'"))
        csrf = csrf_of(answer.text)
        form = {"csrf": csrf, "return_to": return_to_of(answer), "phone": phone}
        asked = await self.send("POST", f"{self.site.identity_url}/login/code", data=form)
        assert asked.status_code == 200, asked.text
        form["code"] = await self.site.last_code(phone)
        return await self.follow(await self.send("POST", f"{self.site.identity_url}/login", data=form))

    def session_cookie(self) -> str | None:
        """The value of the portal's cookie."""
        return self.cookies.get(urlsplit(self.site.url).netloc, {}).get("__Host-Http-zhuxue")


def return_to_of(page: httpx.Response) -> str:
    """Where Identity's page of signing in leads."""
    found = re.search(r'name="return_to" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found.group(1).replace("&amp;", "&")


NewVisitor = Callable[[], Visitor]


@pytest.fixture(scope="session")
def built() -> None:
    """The pages are those of the present sources."""
    web.build()


@pytest.fixture
def world() -> Migration:
    """Fills the database of Identity with 历下区 and what is above it; a module may have its own world."""
    return with_one_line


@pytest.fixture
def clock() -> RunningClock:
    """That of Identity and the portal."""
    return RunningClock()


@pytest.fixture
def office_clock() -> FrozenClock | None:
    """That of Office; None: the machine's. Tokens are verified by the machine's time, whatever this says."""
    return None


@pytest.fixture
def cockpit_url() -> str:
    """Where the portal expects Cockpit: most tests need none."""
    return "http://127.0.0.1:1"


@pytest.fixture
def pages_dir() -> Path | None:
    """The folder of the pages: None for those of the source."""
    return None


@pytest.fixture
async def site(
    database_factory: DatabaseFactory,
    tmp_path: Path,
    world: Migration,
    clock: FrozenClock,
    office_clock: FrozenClock | None,
    cockpit_url: str,
    pages_dir: Path | None,
) -> AsyncIterator[Site]:
    """Identity, Office and the portal in dev mode; no answer of the portal has a token in it."""
    served = {name: Served() for name in ("identity", "office", "portal")}
    url = {name: one.url for name, one in served.items()}
    bus = InProcessBus()
    migrations = {"office": OFFICE, "portal": PORTAL}
    databases = {
        name: await database_factory(name, functools.partial(upgrade, of_name))
        for name, of_name in migrations.items()
    }
    database = await database_factory("identity", world)
    async with AsyncExitStack() as stack:
        identity = await stack.enter_async_context(running(database, clock, url["identity"], bus=bus))
        async with identity.state.database.transaction() as session:
            workbench = Workbench(url["portal"], bytes.fromhex(KEY))
            session.add_all((workbench.client(clock.now()), workbench.walls(clock.now())))
        await stack.enter_async_context(served["identity"].running(identity))
        of_office = office.app.build(
            OfficeSettings(
                mode="dev",
                issuer=url["identity"],
                database_url=databases["office"],
                identity_url=AnyHttpUrl(url["identity"]),
                jwks_url=f"{url['identity']}/jwks",
                client_id="office",
                client_secret=SecretStr("o" * 40),
                file_store_url=f"file://{tmp_path}",
            ),
            bus,
            office_clock,
        )
        await stack.enter_async_context(of_office.router.lifespan_context(of_office))
        await stack.enter_async_context(served["office"].running(of_office))
        of_portal = portal.app.build(
            settings_of(
                url["identity"], url["portal"], databases["portal"], url["office"], cockpit_url, pages_dir
            ),
            clock,
        )
        await stack.enter_async_context(of_portal.router.lifespan_context(of_portal))
        watched = Watched(of_portal)
        await stack.enter_async_context(served["portal"].running(watched))
        yield Site(identity, of_office, of_portal, url["identity"], url["portal"], clock, bus)
        assert watched.leaks == [], "a token has reached a browser"
    for one in served.values():
        one.close()


@dataclass
class Twin:
    """Another process of the portal, which shares its database and nothing else."""

    app: FastAPI
    url: str


@pytest.fixture
async def twin(site: Site) -> AsyncIterator[Twin]:
    """A second process behind the same address."""
    served, settings = Served(), site.portal.state.settings
    app = portal.app.build(settings, site.clock)
    async with app.router.lifespan_context(app), served.running(app):
        yield Twin(app, served.url)
    served.close()


async def secrets_of(site: Site) -> list[str]:
    """Every token and private key that the portal has, in clear."""
    state = site.portal.state
    async with state.database.transaction() as session:
        rows = (await session.execute(text("SELECT key, refresh_token FROM sessions"))).all()
        tokens = (await session.execute(text("SELECT token FROM access_tokens"))).scalars().all()
    sealing = state.sealing
    found = [sealing.opened_access_token(token) for token in tokens]
    for key, refresh_token in rows:
        found += [
            sealing.opened_refresh_token(refresh_token),
            sealing.opened_key(key).as_dict(private=True)["d"],
        ]
    return found


@pytest.fixture
async def portal_alone(database_factory: DatabaseFactory) -> AsyncIterator[httpx.AsyncClient]:
    """The portal without the others, for what it refuses by itself."""
    database = await database_factory("portal", functools.partial(upgrade, PORTAL))
    app = portal.app.build(
        settings_of("http://127.0.0.1:1", "http://portal.test", database, "http://127.0.0.1:1")
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as http:
        yield http
    await app.state.database.close()


def settings_of(
    identity: str,
    url: str,
    database: str,
    office: str,
    cockpit: str = "http://127.0.0.1:1",
    pages: Path | None = None,
) -> PortalSettings:
    """The portal's settings in dev mode."""
    return PortalSettings(
        mode="dev",
        issuer=identity,
        public_url=AnyHttpUrl(url),
        database_url=database,
        identity_url=AnyHttpUrl(identity),
        office_url=AnyHttpUrl(office),
        cockpit_url=AnyHttpUrl(cockpit),
        client_key=SecretStr(KEY),
        encryption_key=SecretStr("e1" * 32),
        pages_dir=pages,
    )


@pytest.fixture
async def new_visitor(site: Site) -> AsyncIterator[NewVisitor]:
    """Makes browsers."""
    async with httpx.AsyncClient(timeout=60, follow_redirects=False) as http:
        yield lambda: Visitor(site, http)
