"""The migrations make exactly what the models say, and there is one way to the newest."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from office.base import MIGRATIONS, Base
from servicekit.migrations import config


async def test_migrations_match_the_models(database_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def test_there_is_one_head() -> None:
    script = ScriptDirectory.from_config(config(MIGRATIONS, "postgresql+asyncpg://"))
    assert len(script.get_heads()) == 1
