"""A real issuer at a real address, people at browsers, and relying parties that are programs of others."""

import contextlib
import json
import os
import re
import secrets
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from identity import (
    bootstrap,
    models,  # noqa: F401 - the migration, in a thread of its own, would be the first to import it
)
from identity.app import make_vault
from identity.base import MIGRATIONS
from identity.settings import Settings
from identity.units import worlds
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.migrations import upgrade
from testkit.backends import UnavailableError
from testkit.backends import node as node_backend
from testkit.backends.base import run_apart, wait_until_ready
from testkit.backends.process import PrivateProcess, free_port
from testkit.pages import hidden_fields
from testkit.postgres import Templates

PACKAGE = Path(__file__).parent / "node"
GUIDE = Path(__file__).parents[2] / "docs" / "integration.md"
PORTAL_CALLBACK = "http://localhost:8000/callback"
CENTRE_ADMIN = "19900000001"
# How long anything is waited for, in seconds: machines are slow and busy.
PATIENCE = 120.0
# The centre, a province and its cities: two people each.
_UNITS = re.compile(r"100000|37\d\d00")


def blocks(language: str) -> list[str]:
    """The guide's examples in one language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


async def migrate(url: str) -> None:
    await upgrade(MIGRATIONS, url)


async def prepare(settings: Settings, world: bootstrap.World) -> None:
    """Keys, the portal, and people."""
    database, clock, vault = (
        Database(settings.database_url, plans="force_custom_plan"),
        SystemClock(),
        make_vault(settings),
    )
    try:
        async with database.transaction() as session:
            await bootstrap.ensure_keys_and_clients(
                session, clock, vault, service_secrets={}, redirect_uris=[PORTAL_CALLBACK]
            )
            await bootstrap.load_world(session, clock, vault, settings, world)
    finally:
        await database.close()


@dataclass
class Browser:
    """A person at a browser, who presses `decision` on a page of consent."""

    issuer: str
    phone: str
    decision: str = "allow"
    http: httpx.Client = field(default_factory=partial(httpx.Client, timeout=PATIENCE))
    pages: list[str] = field(default_factory=list)
    """What the issuer has asked: paths of the forms that were sent."""

    def visit(self, url: str) -> httpx.Response:
        """Go to `url` and through the issuer's pages; the first answer that is not the issuer's asking.

        That is a redirect away from the issuer, or a page without a form of a known kind.
        """
        answer = self.http.get(url)
        for _ in range(15):
            if "location" in answer.headers:
                onward = urljoin(str(answer.url), answer.headers["location"])
                if (
                    urlsplit(str(answer.url)).netloc
                    == urlsplit(self.issuer).netloc
                    != urlsplit(onward).netloc
                ):
                    return answer
                answer = self.http.get(onward)
            elif 'action="/login' in answer.text:
                answer = self._sign_in(answer)
            elif 'action="/authorize/decision"' in answer.text:
                answer = self._send("/authorize/decision", answer, decision=self.decision)
            elif 'action="/end_session/confirm"' in answer.text:
                answer = self._send("/end_session/confirm", answer)
            else:
                return answer
        raise AssertionError(f"the issuer asks for ever: {self.pages}")

    def callback(self, url: str) -> str:
        """Where the issuer sends the browser after `url`."""
        answer = self.visit(url)
        assert "location" in answer.headers, answer.text
        return str(answer.headers["location"])

    def _sign_in(self, page: httpx.Response) -> httpx.Response:
        self._send("/login/code", page, phone=self.phone)
        messages = self.http.get(f"{self.issuer}/dev/sms.json", params={"phone": self.phone}).json()
        found = re.search(r"\d{6}", messages[0]["text"])
        assert found is not None
        return self._send("/login", page, phone=self.phone, code=found.group())

    def _send(self, action: str, page: httpx.Response, **values: str) -> httpx.Response:
        self.pages.append(action)
        answer = self.http.post(self.issuer + action, data=hidden_fields(page.text) | values)
        assert answer.status_code < 400, answer.text
        return answer


@dataclass
class Issuer:
    """Identity in a process of its own. Each browser gets a person of its own: SMS codes are rationed."""

    url: str
    people: Iterator[str]
    _bearer: dict[str, str] = field(default_factory=dict)
    _browsers: list[Browser] = field(default_factory=list)

    def browser(self, phone: str | None = None) -> Browser:
        """A new browser, and somebody who has not signed in yet."""
        phone = phone or next(self.people, None)
        assert phone is not None, "everybody has signed in: load more units (_UNITS)"
        made = Browser(self.url, phone)
        self._browsers.append(made)
        return made

    def register(self, **metadata: Any) -> dict[str, Any]:
        """Register a client as the centre's administrator does; the answer, with the secret if any."""
        bearer = self._administrator()
        me = httpx.get(f"{self.url}/api/v1/me", headers=bearer, timeout=PATIENCE).json()
        body = {"client_name": "测试系统", "owner_unit_id": me["unit_id"]} | metadata
        answer = httpx.post(f"{self.url}/api/v1/clients", json=body, headers=bearer, timeout=PATIENCE)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def close(self) -> None:
        for browser in self._browsers:
            browser.http.close()

    def _administrator(self) -> dict[str, str]:
        if not self._bearer:
            query = {
                "response_type": "code",
                "client_id": "portal",
                "redirect_uri": PORTAL_CALLBACK,
                "scope": "openid identity",
                "resource": "urn:zhuxue:identity",
                # RFC 7636 appendix B
                "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                "code_challenge_method": "S256",
            }
            url = str(httpx.URL(f"{self.url}/authorize", params=query))
            answer = httpx.post(
                f"{self.url}/token",
                data={
                    "grant_type": "authorization_code",
                    "client_id": "portal",
                    "code": param(self.browser(CENTRE_ADMIN).callback(url), "code"),
                    "redirect_uri": PORTAL_CALLBACK,
                    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                },
                timeout=PATIENCE,
            )
            self._bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return self._bearer


def param(url: str, name: str) -> str:
    """One parameter of a URL's query."""
    return parse_qs(urlsplit(url).query)[name][0]


def changed(url: str, **values: str) -> str:
    """`url` with other values of its query's parameters."""
    return str(httpx.URL(url).copy_merge_params(values))


@pytest.fixture(scope="session")
def issuer(database_templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """`python -m identity serve` in dev mode, with a handful of units."""
    port = free_port()
    values = {
        "MODE": "dev",
        "PORT": str(port),
        "ISSUER": f"http://127.0.0.1:{port}",
        "DATABASE_URL": run_apart(database_templates.new_database("identity", migrate)),
        "ENCRYPTION_KEY": secrets.token_hex(32),
        "INDEX_KEY": secrets.token_hex(32),
        "SMS_BUDGET_PER_ADDRESS": "1000",
        "SMS_BUDGET_PER_NUMBER": "1000",
        "SMS_BUDGET_PER_NUMBER_AND_ADDRESS": "1000",
        "LOG_LEVEL": "WARNING",
    }
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ZHUXUE_")},
        **{f"ZHUXUE_IDENTITY_{name}": value for name, value in values.items()},
    }
    everybody = [*worlds.centre_staff(), *worlds.world_s_people()]
    world = bootstrap.World(
        [unit for unit in worlds.world_s() if _UNITS.fullmatch(unit.code)],
        [person for person in everybody if _UNITS.fullmatch(person.unit_code)],
        frozenset(),
    )
    settings = Settings(**{name.lower(): value for name, value in values.items()})  # type: ignore[arg-type]
    run_apart(prepare(settings, world))
    process = PrivateProcess(
        [sys.executable, "-m", "identity", "serve"],
        log=tmp_path_factory.mktemp("issuer") / "log",
        directories=[],
        env=environment,
    )

    def ready() -> None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError(str(error)) from error

    made = Issuer(f"http://127.0.0.1:{port}", (p.phone for p in world.people if p.phone != CENTRE_ADMIN))
    try:
        wait_until_ready(ready, process.alive, PATIENCE, process.tail)
        yield made
    finally:
        made.close()
        process.stop()
        database_templates.discard(settings.database_url)


class Refused(Exception):
    """The program did not accept something; `args[0]` is what it threw."""

    @property
    def code(self) -> str:
        return str(self.args[0].get("code"))


class Program:
    """A Node program that answers a line of JSON with a line of JSON."""

    def __init__(self, node: Path, script: Path, arguments: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [str(node), str(script), *arguments],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, step: str, **values: Any) -> Any:
        """Have it carry out `step`. Raises `Refused` with what it threw."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"step": step, **values}) + "\n")
        self._process.stdin.flush()
        # One answer is due at a time, so that nothing waits in a buffer of ours.
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            raise AssertionError(f"the program does not answer: {step}")
        answer = json.loads(self._process.stdout.readline() or '{"error": {"message": "it has died"}}')
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def node(node_program: Path) -> Iterator[Callable[..., Program]]:
    """Starts programs of `tests/clients/node`, given their name, arguments and environment."""
    node_backend.install_package(node_program, PACKAGE)
    with contextlib.ExitStack() as started:

        def start(name: str, *arguments: str, **environment: str) -> Program:
            program = Program(node_program, PACKAGE / name, list(arguments), environment)
            started.callback(program.close)
            return program

        yield start
