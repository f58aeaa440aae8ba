"""Identity on a migrated database with world S or a part of it, and people at browsers."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
from argon2 import PasswordHasher
from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI

from identity import bootstrap
from identity.app import build
from identity.authenticators import passwords
from identity.base import MIGRATIONS
from identity.partitions import partitioned
from identity.policies.rules import REQUIRED
from identity.settings import Settings
from identity.units import worlds
from messaging.inprocess import InProcessBus
from servicekit.migrations import upgrade
from servicekit.partitions import maintain
from testkit.clock import FrozenClock
from testkit.idle import idle_workers
from testkit.pages import csrf_of, hidden_fields

PRODUCTION_HASHER = passwords.HASHER
# In production, each password that somebody types takes a sixth of a second of processor time.
passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)

ISSUER = "http://localhost:8001"
CALLBACK = "http://localhost:8000/callback"


# The same for every test: what is sealed in a template is opened in its copies.
KEYS = {"encryption_key": "e1" * 32, "index_key": "1d" * 32}


async def filled(url: str, world: bootstrap.World, *, founded: datetime | None = None) -> None:
    """Migrate the database at `url`, and put keys, the services' clients and `world` into it.

    `founded`: since when the world is as it is, if not since a minute ago.
    """
    await upgrade(MIGRATIONS, url)
    # Before any test's clock, which stands still.
    settings, clock = settings_for(url), FrozenClock(datetime.now(UTC) - timedelta(minutes=1))
    state = build(settings, InProcessBus(), clock).state
    async with state.database.transaction() as session:
        await bootstrap.ensure_keys_and_clients(
            session,
            clock,
            state.vault,
            service_secrets={"office": "o" * 40, "cockpit": "c" * 40},
            redirect_uris=[CALLBACK],
        )
        since = clock if founded is None else FrozenClock(founded)
        await bootstrap.load_world(session, since, state.vault, settings, world)
    # Made once for all tests, not by each application at its start.
    await state.search_indexer.caught_up()
    await maintain(state.database, partitioned(settings), datetime.now(UTC))
    await state.database.close()


async def with_world_s(url: str) -> None:
    await filled(url, bootstrap.world("s", dev=True))


def line_of_authority() -> bootstrap.World:
    """One line of authority down to 历下区."""
    codes = {"100000", "370000", "370100", "370102"}
    units = [unit for unit in worlds.world_s() if unit.code in codes]
    everybody = [*worlds.centre_staff(), *worlds.world_s_people()]
    people = [person for person in everybody if person.unit_code in codes]
    return bootstrap.World(units, people, frozenset())


async def with_one_line(url: str) -> None:
    """Faster to make and to copy than world S."""
    await filled(url, line_of_authority())


def settings_for(url: str, **changes: object) -> Settings:
    values: dict[str, object] = {
        "mode": "dev",
        "database_url": url,
        "issuer": ISSUER,
        **KEYS,
        "sms_budget_per_address": 1000,
        "sms_budget_per_number": 1000,
        "sms_budget_per_number_and_address": 1000,
        "sms_inbound_number": "106900001234",
        "sms_inbound_secret": "i" * 32,
        # Tests sign in at one new browser after another.
        "sign_in_notices": False,
        "log_json": False,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


def agreed_to(app: FastAPI) -> dict[str, str]:
    """What somebody who registers agrees to."""
    return {kind.value: app.state.policies[kind].version for kind in REQUIRED}


@dataclass
class Browser:
    """A person at a browser: one cookie jar."""

    app: FastAPI
    http: httpx.AsyncClient
    ticket: str | None = None
    """What codes from the REST API are bound to."""

    async def ask(self, phone: str, purpose: str = "register", **more: object) -> httpx.Response:
        """Ask for a code over the REST API, as this browser."""
        mine = {} if self.ticket is None else {"ticket": self.ticket}
        body = {"phone": phone, "purpose": purpose} | mine | more
        answer = await self.http.post("/api/v1/sms-codes", json=body)
        if answer.status_code == 202:
            self.ticket = answer.json()["ticket"]
        return answer

    async def register(self, phone: str, code: str | None = None, name: str = "王小明") -> httpx.Response:
        """Register with a new code, or with `code`, which this browser has asked for."""
        if code is None:
            asked = await self.ask(phone)
            assert asked.status_code == 202, asked.text
        body = {
            "phone": phone,
            "ticket": self.ticket,
            "code": self.last_code(phone) if code is None else code,
            "name": name,
            "agreed": agreed_to(self.app),
        }
        return await self.http.post("/api/v1/accounts", json=body)

    def last_code(self, phone: str) -> str:
        text = next(m.text for m in reversed(self.app.state.sms.messages) if m.phone == phone)
        found = re.search(r"\d{6}", text)
        assert found is not None, text
        return found.group()

    def authorize_url(self, *, resource: str | None = None, verifier: str, **more: str) -> str:
        params: dict[str, str] = {
            "response_type": "code",
            "client_id": "portal",
            "redirect_uri": CALLBACK,
            "scope": "openid profile phone identity office cockpit:read cockpit:write",
            "state": "st",
            "nonce": "n",
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        if resource is not None:
            params["resource"] = resource
        return str(httpx.URL("/authorize", params=params | more))

    async def ask_for_code(self, phone: str) -> httpx.Response:
        """On the page: the answer is a page, too."""
        return_to = self.authorize_url(verifier="v" * 43)
        page = await self.http.get("/login", params={"return_to": return_to})
        form = {"csrf": csrf_of(page.text), "return_to": return_to, "phone": phone}
        return await self.http.post("/login/code", data=form)

    async def sign_in(self, phone: str, return_to: str) -> httpx.Response:
        """Through the forms; the answer is the redirect back to `return_to`."""
        page = await self.http.get("/login", params={"return_to": return_to})
        form = {"csrf": csrf_of(page.text), "return_to": return_to, "phone": phone}
        sent = await self.http.post("/login/code", data=form)
        assert sent.status_code == 200, sent.text
        return await self.http.post("/login", data={**form, "code": self.last_code(phone)})

    async def sign_in_with(self, phone: str, code: str) -> httpx.Response:
        """Type a code that was not asked for on this page."""
        return_to = self.authorize_url(verifier="v" * 43)
        page = await self.http.get("/login", params={"return_to": return_to})
        form = {"csrf": csrf_of(page.text), "return_to": return_to, "phone": phone, "code": code}
        return await self.http.post("/login", data=form)

    async def consented(self, answer: httpx.Response) -> httpx.Response:
        """Allow what a page of consent asks, if this is one; the answer to the client."""
        if answer.status_code == 200 and "/authorize/decision" in answer.text:
            form = {**hidden_fields(answer.text), "decision": "allow"}
            decided = await self.http.post("/authorize/decision", data=form)
            answer = await self.http.get(decided.headers["location"])
        return answer

    async def token(
        self, phone: str, resource: str | None = "urn:zhuxue:identity", **more: str
    ) -> httpx.Response:
        """Sign in if needed and run the code flow; the token response."""
        verifier = generate_token(48)
        url = self.authorize_url(resource=resource, verifier=verifier, **more)
        answer = await self.http.get(url)
        if "/login" in answer.headers["location"]:
            answer = await self.sign_in(phone, url)
            assert answer.status_code == 303, answer.text
            answer = await self.http.get(answer.headers["location"])
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        return await self.http.post(
            "/token",
            data={
                "grant_type": "authorization_code",
                "client_id": "portal",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": verifier,
            },
        )

    async def bearer(self, phone: str, resource: str = "urn:zhuxue:identity") -> dict[str, str]:
        response = await self.token(phone, resource)
        assert response.status_code == 200, response.text
        return {"Authorization": f"Bearer {response.json()['access_token']}"}


NewBrowser = Callable[[], Browser]
"""Makes browsers, each with cookies of its own."""


@asynccontextmanager
async def running(
    database_url: str,
    clock: FrozenClock,
    issuer: str,
    *,
    bus: InProcessBus | None = None,
    **changes: object,
) -> AsyncIterator[FastAPI]:
    """Serve Identity in dev mode on a database that `filled` has prepared."""
    settings = settings_for(database_url, issuer=issuer, **changes)
    application = build(settings, bus or InProcessBus(), clock)
    with idle_workers():
        async with application.router.lifespan_context(application):
            yield application
