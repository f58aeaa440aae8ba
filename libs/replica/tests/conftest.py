"""A replica on a database of its own for each test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from servicekit import logs
from servicekit.db import Database
from testkit.plugin import DatabaseFactory

from .replica_service import Identity, create_tables


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    logs.configure(json=True, level="ERROR")


@pytest_asyncio.fixture
async def database_url(database_factory: DatabaseFactory) -> str:
    return await database_factory("replica", create_tables)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, plans="force_custom_plan", pool_size=3)
    yield database
    await database.close()


@pytest.fixture
def identity() -> Identity:
    return Identity()
