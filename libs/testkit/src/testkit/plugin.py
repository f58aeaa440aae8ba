"""The pytest plugin: backends for the run, databases and names for each test.

A backend starts when the first test requests it; the terminal summary names the used ways. Every run loads
the plugin, so it imports modules only when needed.
"""

import asyncio
import gc
import os
import secrets
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import pytest_asyncio

from testkit.shared import Address, Backends, OwnBackends, SharedBackends

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

    from testkit.browsers import NewPage, Screen
    from testkit.postgres import Migration, Templates

_backends = pytest.StashKey[Backends]()


class DatabaseFactory(Protocol):
    """Creates databases that exist until the end of the test."""

    async def __call__(self, service_name: str, migrate: "Migration | None" = None) -> str:
        """Return the URL (postgresql+asyncpg://) of a new database, migrated by `migrate` or empty."""


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the backends; a worker of pytest-xdist uses those of its controller."""
    config.addinivalue_line("markers", "long: takes many seconds, so it runs before the others")
    shared = getattr(config, "workerinput", {}).get("testkit")
    config.stash[_backends] = SharedBackends(Address(*shared)) if shared else OwnBackends()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is marked as long first: at the end, short tests are left, which the workers share out."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Import everything without looking for garbage: what is imported stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Collect garbage rarely, and never look at modules again: that saves a fifth of the run's CPU time.

    Each test makes an application and throws it away, which the defaults answer with many full collections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_runtest_logfinish() -> None:
    """Let go of the applications of the test.

    FastAPI remembers, in caches of the module, of which kind thousands of functions are. Some of them are
    closures over an application, which would live until the end of the run, at 15 MB each.
    """
    models = sys.modules.get("fastapi.dependencies.models")
    for value in list(vars(models).values()) if models else []:
        if hasattr(value, "cache_clear"):
            value.cache_clear()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send a worker the address of the backends (a hook of pytest-xdist, in the controller)."""
    backends = node.config.stash[_backends]
    assert isinstance(backends, OwnBackends)
    node.workerinput["testkit"] = tuple(backends.listen())


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> Generator[None, int, int]:
    """With `-n auto`, start a quarter more workers than there are cores, and none for one file or one test.

    Tests wait for processes, browsers, messages and deadlines: a worker per core leaves a quarter of the
    processor time unused. PYTEST_XDIST_AUTO_NUM_WORKERS is taken as it is.
    """
    cores = yield
    files = {argument.partition("::")[0] for argument in config.args}
    if len(files) == 1 and Path(files.pop()).suffix == ".py":
        return 0
    return cores if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else cores + -(-cores // 4)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the backends at the end of the run."""
    backends = config.stash.get(_backends, None)
    if not isinstance(backends, OwnBackends):
        return
    for backend in backends.started:
        if backend.kind == "postgresql" and backend.found:
            from testkit.backends.base import run_apart
            from testkit.postgres import drop_all

            run_apart(drop_all(backend.url, backends.run_id))
    backends.close()


def pytest_report_header() -> str:
    """Report that backends start on demand, and where they are named."""
    return "backends: started on first use, named in the closing summary"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the backends that the tests ran on."""
    backends = config.stash[_backends]
    used = backends.started if isinstance(backends, OwnBackends) else []
    if used:
        terminalreporter.write_line(
            "backends: " + ", ".join(f"{backend.kind} via {backend.via}" for backend in used)
        )


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> str:
    """Give the admin URL (postgresql+asyncpg://) of a server that may create databases and has ltree."""
    return pytestconfig.stash[_backends].get("postgresql").url


@pytest.fixture(scope="session")
def rabbitmq_url(pytestconfig: pytest.Config) -> str:
    """Give the URL (amqp://) of a broker. Name exchanges and queues by `event_namespace`."""
    return pytestconfig.stash[_backends].get("rabbitmq").url


@pytest.fixture(scope="session")
def clickhouse_url(pytestconfig: pytest.Config) -> str:
    """Give the URL (http://) of a ClickHouse, or of its engine behind HTTP. Use a database of your own."""
    return pytestconfig.stash[_backends].get("clickhouse").url


@pytest.fixture(scope="session")
def analytics_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of chDB's engine: one on one directory per process, so it lasts for the session.

    Each test gets a database of its own.
    """
    import clickhouse_connect

    dsn = f"chdb://{tmp_path_factory.mktemp('chdb')}"
    # Open until the end, so that the engine is not started again for each test.
    client = clickhouse_connect.get_client(dsn=dsn)
    yield dsn
    client.close()


@pytest.fixture(scope="session")
def node_program(pytestconfig: pytest.Config) -> Path:
    """Give the path of `node`. What a program needs is installed by `backends.node.install_package`."""
    return Path(pytestconfig.stash[_backends].get("node").url)


@pytest.fixture(scope="session")
def apache_program(pytestconfig: pytest.Config) -> Path:
    """Give the path of an Apache that has mod_auth_openidc. `backends.apache.serve` starts one."""
    return Path(pytestconfig.stash[_backends].get("apache").url)


@pytest.fixture(scope="session")
def chromium_program(pytestconfig: pytest.Config) -> Path:
    """Give the path of Chromium, on a machine with a font for Chinese."""
    return Path(pytestconfig.stash[_backends].get("chromium").url)


@pytest_asyncio.fixture
async def chromium(chromium_program: Path) -> "AsyncIterator[Browser]":
    """Start Chromium for this test."""
    from testkit.browsers import running

    async with running(chromium_program) as browser:
        yield browser


@pytest_asyncio.fixture
async def new_page(chromium: "Browser") -> "AsyncIterator[NewPage]":
    """Open pages with cookies of their own; errors of scripts and refusals of the policy fail the test."""
    from testkit.browsers import DESKTOP, Watched, profile

    watched = Watched()
    profiles: list[BrowserContext] = []

    async def make(screen: "Screen" = DESKTOP, *, scripts: bool = True) -> "Page":
        profiles.append(await profile(chromium, screen, scripts=scripts, watched=watched))
        return await profiles[-1].new_page()

    yield make
    for one in profiles:
        await one.close()
    assert not watched.faults, watched.faults


@pytest.fixture(scope="session")
def database_templates(pytestconfig: pytest.Config, postgres_server: str) -> "Templates":
    """Keep the run's migrated databases; tests use `database_factory`."""
    from testkit import reuse
    from testkit.postgres import Templates

    reuse.install()
    return Templates(postgres_server, pytestconfig.stash[_backends].run_id)


@pytest_asyncio.fixture
async def database_factory(database_templates: "Templates") -> AsyncIterator[DatabaseFactory]:
    """Make databases for this test: each service is migrated once per run, then cloned."""
    made: list[str] = []
    # Concurrent calls must not migrate the same template twice.
    lock = asyncio.Lock()

    async def make(service_name: str, migrate: "Migration | None" = None) -> str:
        async with lock:
            url = await database_templates.new_database(service_name, migrate)
        made.append(url)
        return url

    try:
        yield make
    finally:
        for url in made:
            database_templates.discard(url)


@pytest.fixture
def event_namespace() -> str:
    """Return a unique prefix for the names of exchanges and queues."""
    return f"t{secrets.token_hex(5)}"
