"""One head, up from empty, models and migrations alike."""

from typing import Any

from cockpit import models  # noqa: F401 - fills the metadata
from cockpit.base import MIGRATIONS, Base
from servicekit.migrations import check


async def test_models_and_migrations_agree(database_factory: Any) -> None:
    assert await check(MIGRATIONS, Base.metadata, await database_factory("cockpit")) == []
