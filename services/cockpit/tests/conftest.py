"""The cockpit on a PostgreSQL database and a ClickHouse database of the test's own.

Imports the service only when a test asks for it, so that tests of rules start at once.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from testkit.plugin import DatabaseFactory

if TYPE_CHECKING:
    from services.cockpit.tests.support.running_cockpit import Cockpit, Start, World


@pytest.fixture(scope="session")
def configured_logs() -> None:
    from servicekit import logs

    # Unconfigured, structlog draws a traceback with every local variable, which takes seconds.
    logs.configure(json=True, level="WARNING")


@pytest.fixture
def upload_limit() -> int:
    return 4 * 1024 * 1024


@pytest.fixture
def hide_small_cells() -> bool:
    return False


@pytest.fixture
def world() -> "World":
    from services.cockpit.tests.support.running_cockpit import small_world

    return small_world()


@pytest.fixture
async def start(
    database_factory: DatabaseFactory,
    analytics_dsn: str,
    upload_limit: int,
    hide_small_cells: bool,
    world: "World",
    configured_logs: None,
) -> "Start":
    """Starts the service; again after it was left, on the same databases."""
    from services.cockpit.tests.support.running_cockpit import migrate, prepared

    return await prepared(
        await database_factory("cockpit", migrate),
        analytics_dsn,
        upload_limit,
        world,
        hide_small_cells=hide_small_cells,
    )


@pytest.fixture
async def cockpit(start: "Start") -> "AsyncIterator[Cockpit]":
    async with start() as running:
        yield running
