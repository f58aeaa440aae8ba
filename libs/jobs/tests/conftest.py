"""A service with jobs on a database of its own for each test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from servicekit import logs
from testkit.plugin import DatabaseFactory

from .jobs_service import Service, create_tables


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    logs.configure(json=True, level="ERROR")


@pytest_asyncio.fixture
async def service(database_factory: DatabaseFactory) -> AsyncIterator[Service]:
    service = Service(await database_factory("jobs", create_tables))
    yield service
    await service.database.close()
