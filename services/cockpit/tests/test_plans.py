"""Queries over the tree cost the same each time: no generic plan takes over on a connection."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.base import MIGRATIONS
from cockpit.directory.repository import UnitRepository
from cockpit.intake.repository import BatchFilter, BatchRepository
from servicekit.db import Database
from servicekit.migrations import upgrade
from servicekit.paging import PageRequest
from testkit.buffers import pages_read
from testkit.plugin import DatabaseFactory

RUNS = 10
SCOPES = ("100000", "100000.p7", "100000.p7.c3")

_BATCHES = text(
    """
    INSERT INTO batches (id, feed, source, unit_id, unit_path, status, load_id, sha256, size_bytes, columns,
                         accepted, rejected, created_by, created_at, touched_at, committed_at)
    SELECT gen_random_uuid(), 'awards', 'test', gen_random_uuid(),
           format('100000.p%s.c%s.d%s.s%s', p, c, d, s)::ltree, 'committed', gen_random_uuid(), '\\x00', 1,
           '{}', 1, 0, 'x', now() - s * interval '1 hour', now(), now()
    FROM generate_series(1, 20) p, generate_series(1, 10) c, generate_series(1, 10) d,
         generate_series(1, 10) s
    """
)
"""20,000 batches, one of each school."""
_UNITS = text(
    """
    INSERT INTO units (id, code, name, short_name, level, kind, stages, region_code, path, status, version)
    SELECT unit_id, subpath(unit_path, -1)::text, 'x', 'x', 'school', 'school', '{}', '370102', unit_path,
           'active', 1
    FROM batches
    """
)


async def filled(url: str) -> None:
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        await session.execute(_BATCHES)
        await session.execute(_UNITS)
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
    await database.close()


@pytest_asyncio.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    database = Database(
        await database_factory("cockpit-plans", filled), plans="force_custom_plan", pool_size=1
    )
    yield database
    await database.close()


QUERIES: dict[str, Callable[[AsyncSession, str], Awaitable[object]]] = {
    "below": lambda session, path: BatchRepository(session).below(path, BatchFilter(), PageRequest(50)),
}


async def test_the_tenth_run_of_a_tree_query_reads_as_many_pages_as_the_first(database: Database) -> None:
    growing: dict[tuple[str, str], list[int]] = {}
    for name, query in QUERIES.items():
        for path in SCOPES:
            counts = await pages_read(database, lambda session: query(session, path), RUNS)  # noqa: B023
            assert counts[0] > 0
            # A generic plan is taken from the sixth run on; a single run may have read catalogs again.
            if min(counts[5:]) > 1.1 * min(counts[:5]):
                growing[name, path] = counts
    assert not growing


async def test_aid_offices_are_found_without_reading_the_schools_of_their_region(database: Database) -> None:
    pages = await pages_read(database, lambda session: UnitRepository(session).aid_offices("37____", 10), 3)
    assert min(pages) < 10
