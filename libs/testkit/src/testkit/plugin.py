"""The pytest plugin: backends for the session, databases and names for each test.

A backend starts when the first test asks for it; the closing summary tells which ways were used.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from testkit.backends import Backend, apache, node, postgresql, rabbitmq
from testkit.backends.base import run_apart
from testkit.postgres import Migration, Templates

_used = pytest.StashKey[list[Backend]]()


class DatabaseFactory(Protocol):
    """Makes databases that live as long as the test."""

    async def __call__(self, service_name: str, migrate: Migration | None = None) -> str:
        """Return the URL (postgresql+asyncpg://) of a new database, migrated by `migrate` or empty."""


def pytest_configure(config: pytest.Config) -> None:
    """Start with no backend in use."""
    config.stash[_used] = []


def pytest_report_header() -> str:
    """Say that backends come later, and where they will be named."""
    return "backends: started on first use, named in the closing summary"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the backends that the tests ran on."""
    used = config.stash[_used]
    if used:
        terminalreporter.write_line(
            "backends: " + ", ".join(f"{backend.kind} via {backend.via}" for backend in used)
        )


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the admin URL (postgresql+asyncpg://) of a server that may create databases and has ltree."""
    backend = postgresql.start()
    pytestconfig.stash[_used].append(backend)
    try:
        yield backend.url
    finally:
        backend.stop()


@pytest.fixture(scope="session")
def rabbitmq_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the URL (amqp://) of a broker. Name exchanges and queues by `event_namespa."""
    backend = rabbitmq.start()
    pytestconfig.stash[_used].append(backend)
    try:
        yield backend.url
    finally:
        backend.stop()


@pytest.fixture(scope="session")
def node_program(pytestconfig: pytest.Config) -> Path:
    """Give the path of `node`. What a program needs is installed by `backends.node.install_package`."""
    backend = node.start()
    pytestconfig.stash[_used].append(backend)
    return Path(backend.url)


@pytest.fixture(scope="session")
def apache_program(pytestconfig: pytest.Config) -> Path:
    """Give the path of an Apache that has mod_auth_openidc. `backends.apache.serve` starts one."""
    backend = apache.start()
    pytestconfig.stash[_used].append(backend)
    return Path(backend.url)


@pytest.fixture(scope="session")
def database_templates(postgres_server: str) -> Iterator[Templates]:
    """Keep the session's migrated databases; tests use `database_factory`."""
    templates = Templates(postgres_server)
    try:
        yield templates
    finally:
        run_apart(templates.close())


@pytest_asyncio.fixture
async def database_factory(database_templates: Templates) -> AsyncIterator[DatabaseFactory]:
    """Make databases for this test: each service is migrated once per session, then cloned."""
    made: list[str] = []
    # Two calls at once must not both migrate the same template.
    lock = asyncio.Lock()

    async def make(service_name: str, migrate: Migration | None = None) -> str:
        async with lock:
            url = await database_templates.new_database(service_name, migrate)
        made.append(url)
        return url

    try:
        yield make
    finally:
        for url in made:
            await database_templates.discard(url)


@pytest.fixture
def event_namespace() -> str:
    """Give a short string that no other test gets, to start the names of exchanges and queues with."""
    return f"t{secrets.token_hex(5)}"
