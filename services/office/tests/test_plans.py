"""Queries over the tree cost the same each time: no generic plan takes over on a connection."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from office.coverage.jobs import recount
from office.coverage.missing import Lack
from office.coverage.repository import CoverageRepository
from office.coverage.scope import Scope
from office.directory.models import Unit
from office.directory.repository import UnitRepository
from office.notices.models import Notice
from servicekit.db import Database
from services.office.tests.support.running_office import a_notice, migrate
from testkit.buffers import pages_read
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory

RUNS = 10
NOW = datetime(2023, 7, 1, tzinfo=UTC)

_TREE = text(
    """
    WITH RECURSIVE tree (id, code, parent_id, path, depth) AS (
        SELECT md5('100000')::uuid, '100000', NULL::uuid, '100000'::text, 0
        UNION ALL
        SELECT md5(tree.code || 'x' || n)::uuid, tree.code || 'x' || n, tree.id,
               tree.path || '.' || tree.code || 'x' || n, depth + 1
        FROM tree CROSS JOIN generate_series(1, CASE depth WHEN 0 THEN 20 ELSE 10 END) AS n
        WHERE depth < 4
    )
    INSERT INTO units (id, code, name, short_name, level, kind, stages, parent_id, path, status, version)
    SELECT id, code, code, code, 'county', 'student_aid', '{}', parent_id, path::ltree, 'active', 1 FROM tree
    """
)
_CHANGES = (
    # One in twenty schools has moved, from below the centre, since the notice; another one is new.
    text(
        """
        INSERT INTO former_places (unit_id, valid_from, valid_to, parent_id, path, status)
        SELECT id, '2000-01-01', '2023-06-01', md5('100000')::uuid, ('100000.' || code)::ltree, 'active'
        FROM units WHERE nlevel(path) = 5 AND code LIKE '%1x7'
        """
    ),
    text(
        """
        UPDATE units SET placed_at = '2023-06-01'
        WHERE nlevel(path) = 5 AND (code LIKE '%1x7' OR code LIKE '%2x7')
        """
    ),
)


async def filled(url: str) -> None:
    """A tree of 22,221 units: 20 provinces, and ten units below each unit down to the schools."""
    await migrate(url)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        for statement in (_TREE, *_CHANGES):
            await session.execute(statement)
    await database.close()


async def forward(database: Database, notice: Notice, *, where: str) -> None:
    """Have the units of `where` forward, and every second unit sign."""
    values = {"notice": notice.id, "by": uuid.uuid4(), "at": notice.published_at}
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO forwardings (notice_id, unit_id, deadline, forwarded_by, forwarded_at)"
                f" SELECT :notice, id, :at, :by, :at FROM units WHERE {where}"
            ),
            values,
        )
        await session.execute(
            text(
                "INSERT INTO signatures (notice_id, unit_id, signed_by, signed_at)"
                " SELECT :notice, id, :by, :at FROM units WHERE nlevel(path) > 1 AND code LIKE '%1'"
            ),
            values,
        )
        await recount(session, notice.id)
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))


@pytest_asyncio.fixture
async def url(database_factory: DatabaseFactory) -> str:
    return await database_factory("office-plans", filled)


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url, plans="force_custom_plan", pool_size=1)
    yield database
    await database.close()


Query = Callable[[AsyncSession, Notice, Scope], Awaitable[object]]

QUERIES: dict[str, Query] = {
    "tallies": lambda session, notice, scope: CoverageRepository(session).tallies(notice, scope, NOW),
    "blocking": lambda session, notice, scope: CoverageRepository(session).blocking(notice, scope, limit=100),
    "missing": lambda session, notice, scope: CoverageRepository(session).missing(
        notice, scope, lack=Lack.SIGNATURE, after=None, now=NOW, limit=51
    ),
    "units": lambda session, _, scope: UnitRepository(session).below(scope.unit.path, after=None, limit=51),
}
STAGES = {"published": "nlevel(path) = 1", "on its way": "nlevel(path) < 4", "forwarded": "nlevel(path) < 5"}


async def stored(database: Database, now: datetime) -> tuple[Notice, dict[str, Scope]]:
    """A notice of the centre, and the centre and a city in it, by code."""
    async with database.transaction() as session:
        codes = ("100000", "100000x7", "100000x7x3")
        units = (await session.scalars(select(Unit).where(Unit.code.in_(codes)))).all()
        scopes = {unit.code: Scope(unit, [unit.path], "100000") for unit in units}
        notice = a_notice(scopes["100000"].unit.id, now)
        session.add(notice)
    return notice, scopes


@pytest.mark.parametrize("stage", STAGES)
async def test_the_tenth_run_of_a_tree_query_reads_as_many_pages_as_the_first(
    database: Database, clock: FrozenClock, stage: str
) -> None:
    notice, scopes = await stored(database, clock.now())
    await forward(database, notice, where=STAGES[stage])
    growing: dict[tuple[str, str], list[int]] = {}
    for name, query in QUERIES.items():
        for code, scope in scopes.items():
            counts = await pages_read(database, lambda session: query(session, notice, scope), RUNS)  # noqa: B023
            assert counts[0] > 0
            # A generic plan is taken from the sixth run on; a single run may have read catalogs again.
            if min(counts[5:]) > 1.1 * min(counts[:5]):
                growing[name, code] = counts
    assert not growing


async def test_a_list_of_a_subtree_reads_no_other_subtree(database: Database, clock: FrozenClock) -> None:
    """Even when nothing in it is listed, and wherever it stands in the order of the paths."""
    notice, _ = await stored(database, clock.now())
    await forward(database, notice, where=STAGES["forwarded"])
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM signatures"))
        await session.execute(
            text(
                "INSERT INTO signatures (notice_id, unit_id, signed_by, signed_at)"
                " SELECT :notice, id, id, now() FROM units"
            ),
            {"notice": notice.id},
        )
        await recount(session, notice.id)
        units = (await session.scalars(select(Unit).where(Unit.code.in_(["100000x1", "100000x9"])))).all()
    for unit in units:
        scope = Scope(unit, [unit.path], "100000")
        for name in ("missing", "units"):
            counts = await pages_read(database, lambda session: QUERIES[name](session, notice, scope), 2)  # noqa: B023
            assert counts[1] < 6000, (name, unit.code)
