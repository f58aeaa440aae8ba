"""Office on a database of its own for each test, in the small world.

Imports the service only when a test asks for it, so that tests of rules start at once.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory

if TYPE_CHECKING:
    from services.office.tests.support.running_office import RunningOffice


@pytest.fixture
def clock() -> FrozenClock:
    """The morning of Thursday 2023-04-27 in Beijing."""
    return FrozenClock(datetime(2023, 4, 27, 1, tzinfo=UTC))


@pytest_asyncio.fixture
async def database_url(database_factory: DatabaseFactory) -> str:
    from services.office.tests.support.running_office import migrate

    return await database_factory("office", migrate)


@pytest_asyncio.fixture
async def office(database_url: str, clock: FrozenClock) -> "AsyncIterator[RunningOffice]":
    from servicekit import logs
    from services.office.tests.support.running_office import running
    from services.office.tests.support.world import SMALL, World

    # Unconfigured, structlog draws a traceback with every local variable, which takes minutes.
    logs.configure(json=True, level="WARNING")
    async with running(database_url, clock, World.of(SMALL)) as office:
        yield office
