"""The tables that migrations make are those that pgqueuer and our models describe."""

import asyncpg
from pgqueuer.adapters.persistence.queries import Queries
from sqlalchemy.engine import make_url

from servicekit.migrations import _differences

from .jobs_service import Base, Service


async def test_pgqueuer_finds_the_tables_it_wants(service: Service) -> None:
    connection = await asyncpg.connect(
        make_url(service.url).set(drivername="postgresql").render_as_string(False)
    )
    try:
        plan = await Queries.from_asyncpg_connection(connection).plan_upgrade()
    finally:
        await connection.close()
    assert not plan.statements, "pgqueuer wants other tables: add jobs.migrations.upgrade_v2"


async def test_models_and_migration_agree(service: Service) -> None:
    async with service.database.engine.connect() as connection:
        assert await connection.run_sync(_differences, Base.metadata) == []
