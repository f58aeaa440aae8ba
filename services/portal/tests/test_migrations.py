"""One head, up from empty, models and migrations alike."""

from portal import models  # noqa: F401 - fills the metadata
from portal.base import MIGRATIONS, Base
from servicekit.migrations import check
from testkit.plugin import DatabaseFactory


async def test_models_and_migrations_agree(database_factory: DatabaseFactory) -> None:
    assert await check(MIGRATIONS, Base.metadata, await database_factory("portal")) == []
