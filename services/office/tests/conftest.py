"""Office on a database of its own for each test, in the small world."""

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory

sys.path.insert(0, str(Path(__file__).parent / "support"))

import office_bench


@pytest.fixture
def clock() -> FrozenClock:
    """The morning of Thursday 2023-04-27 in Beijing."""
    return FrozenClock(datetime(2023, 4, 27, 1, tzinfo=UTC))


@pytest_asyncio.fixture
async def database_url(database_factory: DatabaseFactory) -> str:
    return await database_factory("office", office_bench.migrate)


@pytest_asyncio.fixture
async def bench(database_url: str, clock: FrozenClock) -> AsyncIterator[office_bench.Bench]:
    world = office_bench.World.of(office_bench.SMALL)
    async with office_bench.running(database_url, clock, world) as bench:
        yield bench
