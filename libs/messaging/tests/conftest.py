"""Both buses, each with a database of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from libs.messaging.tests.support import sample_service
from servicekit import logs
from testkit.plugin import DatabaseFactory


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """structlog's default prints every traceback with all local values, which takes seconds."""
    logs.configure(json=True, level="ERROR")


@pytest_asyncio.fixture
async def database_url(database_factory: DatabaseFactory) -> str:
    return await database_factory("sample", sample_service.create_tables)


@pytest_asyncio.fixture(params=["rabbitmq", "inprocess"])
async def service(
    request: pytest.FixtureRequest, database_url: str, event_namespace: str
) -> AsyncIterator[sample_service.SampleService]:
    """The sample service on each kind of bus in turn."""
    rabbitmq_url = request.getfixturevalue("rabbitmq_url") if request.param == "rabbitmq" else ""
    service = sample_service.SampleService(request.param, database_url, rabbitmq_url, event_namespace)
    yield service
    await service.database.close()


@pytest_asyncio.fixture
async def rabbit(
    database_url: str, rabbitmq_url: str, event_namespace: str
) -> AsyncIterator[sample_service.SampleService]:
    """The sample service on RabbitMQ."""
    service = sample_service.SampleService("rabbitmq", database_url, rabbitmq_url, event_namespace)
    yield service
    await service.database.close()
