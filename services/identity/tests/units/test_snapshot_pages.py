"""A page of the snapshot costs the same wherever it is: keyset pages, and no look at the whole table."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from identity.base import MIGRATIONS
from identity.memberships.repository import MembershipRepository
from identity.units.repository import UnitRepository
from servicekit.db import Database, PlanCacheMode
from servicekit.migrations import upgrade
from testkit.buffers import pages_read
from testkit.plugin import DatabaseFactory

UNITS = 20_000
LIMIT = 1_000
# Fewer than a scan of the tables would read, more than the rows of a page need.
MOST_PAGES_PER_ROW = 14
_FILL = (
    """
    INSERT INTO units (id, code, name, short_name, level, kind, stages, path, opened_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'S' || n, 'S' || n, 'S' || n, 'school', 'school', '{}',
           CASE n WHEN 0 THEN 'S0' ELSE 'S0.S' || n END::ltree, now()
    FROM generate_series(0, :units - 1) n
    """,
    """
    INSERT INTO unit_changes (unit_id, version, changed_at, state)
    SELECT id, v, now(), jsonb_build_object('path', path::text, 'status', 'active')
    FROM units CROSS JOIN generate_series(1, 2) v
    """,
    """
    INSERT INTO accounts (id, name, phone_sealed, phone_index, phone_masked, phone_verified_at, status,
                          version, registered_at)
    SELECT id, name, ''::bytea, uuid_send(id), '138****0000', now(), 'active', 1, now() FROM units
    """,
    """
    INSERT INTO memberships (id, account_id, unit_id, roles, started_at, ended_at)
    SELECT gen_random_uuid(), id, id, '{}', now(), ended
    FROM units CROSS JOIN unnest(ARRAY[NULL, now()]) ended
    """,
)


async def filled(url: str) -> None:
    """As many units and people, each with something of the past."""
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_generic_plan", pool_size=1)
    async with database.transaction() as session:
        for statement in _FILL:
            await session.execute(text(statement), {"units": UNITS} if ":units" in statement else {})
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
    await database.close()


@pytest_asyncio.fixture
async def url(database_factory: DatabaseFactory) -> str:
    return await database_factory("snapshot-pages", filled)


Page = Callable[[AsyncSession, tuple[UUID] | None], Awaitable[int]]


async def units(session: AsyncSession, after: tuple[UUID] | None) -> int:
    repository = UnitRepository(session)
    rows = await repository.all_after(after, LIMIT)
    assert len(await repository.states([row.id for row in rows])) == len(rows)
    return len(rows)


async def people(session: AsyncSession, after: tuple[UUID] | None) -> int:
    return len(await MembershipRepository(session).people_after(after, LIMIT))


# Identity plans for a connection; a plan for the values of one call must not be worse either.
@pytest.mark.parametrize("plans", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("page", [units, people])
async def test_a_page_in_the_middle_costs_what_the_first_one_costs(
    url: str, page: Page, plans: PlanCacheMode
) -> None:
    database = Database(url, plans=plans, pool_size=1)
    middle = UUID(int=UNITS // 2)
    counts: list[int] = []
    for after in (None, (middle,)):

        async def read(session: AsyncSession, after: tuple[UUID] | None = after) -> None:
            assert await page(session, after) == LIMIT + 1

        counts.append((await pages_read(database, read, 3))[-1])
    await database.close()
    first, later = counts
    assert later < 1.5 * first
    assert max(counts) < MOST_PAGES_PER_ROW * LIMIT
