"""Both buses, each with a database of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from libs.messaging.tests.support import messaging_bench
from servicekit import logs
from testkit.plugin import DatabaseFactory


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """structlog's own default draws every traceback with all local values: seconds for each."""
    logs.configure(json=True, level="ERROR")


@pytest_asyncio.fixture
async def database_url(database_factory: DatabaseFactory) -> str:
    return await database_factory("bench", messaging_bench.create_tables)


@pytest_asyncio.fixture(params=["rabbitmq", "inprocess"])
async def bench(
    request: pytest.FixtureRequest, database_url: str, event_namespace: str
) -> AsyncIterator[messaging_bench.Bench]:
    """The bench on each kind of bus in turn."""
    rabbitmq_url = request.getfixturevalue("rabbitmq_url") if request.param == "rabbitmq" else ""
    bench = messaging_bench.Bench(request.param, database_url, rabbitmq_url, event_namespace)
    yield bench
    await bench.database.close()


@pytest_asyncio.fixture
async def rabbit(
    database_url: str, rabbitmq_url: str, event_namespace: str
) -> AsyncIterator[messaging_bench.Bench]:
    """The bench on RabbitMQ, for what only a broker can do."""
    bench = messaging_bench.Bench("rabbitmq", database_url, rabbitmq_url, event_namespace)
    yield bench
    await bench.database.close()
