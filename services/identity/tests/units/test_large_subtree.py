"""Moving a large subtree: a few statements, nobody who signs in waits, and copies follow by a job.

Rows and pages are counted, not time.
"""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Acting, Principal
from identity.base import MIGRATIONS, job_queue, outbox
from identity.units.announcing import ANNOUNCE, BATCH, HANDLER
from identity.units.changes import day_of
from identity.units.models import Unit, UnitChange
from identity.units.schemas import MoveIn
from identity.units.structure import UnitTree
from identity.units.view_repository import ViewRepository
from jobs.worker import Pace, Worker
from servicekit.db import Database, PlanCacheMode
from servicekit.etags import SeenVersions
from servicekit.migrations import upgrade
from servicekit.paging import PageRequest, encode
from testkit.buffers import pages_read
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory
from testkit.waiting import moments

COUNTIES, SCHOOLS = 40, 20_000
ANY = SeenVersions(frozenset({"*"}))
_FILL = (
    """
    INSERT INTO units (id, code, name, short_name, level, kind, stages, parent_id, path, opened_at)
    VALUES ('00000000-0000-0000-0000-000000000001', 'R', 'R', 'R', 'ministry', 'student_aid', '{}', NULL,
            'R', now())
    """,
    """
    INSERT INTO units (id, code, name, short_name, level, kind, stages, parent_id, path, opened_at)
    SELECT ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, 'P' || n, 'P', 'P', 'province',
           'student_aid', '{}', '00000000-0000-0000-0000-000000000001', ('R.P' || n)::ltree, now()
    FROM generate_series(1, 2) n
    """,
    """
    INSERT INTO units (id, code, name, short_name, level, kind, stages, parent_id, path, opened_at)
    SELECT '00000000-0000-0000-0002-000000000001', 'C', 'C', 'C', 'city', 'student_aid', '{}',
           '00000000-0000-0000-0001-000000000001', 'R.P1.C', now()
    """,
    f"""
    INSERT INTO units (id, code, name, short_name, level, kind, stages, parent_id, path, opened_at)
    SELECT ('00000000-0000-0000-0003-' || lpad(n::text, 12, '0'))::uuid, 'D' || n, 'D', 'D', 'county',
           'student_aid', '{{}}', '00000000-0000-0000-0002-000000000001', ('R.P1.C.D' || n)::ltree, now()
    FROM generate_series(0, {COUNTIES} - 1) n
    """,
    f"""
    INSERT INTO units (id, code, name, short_name, level, kind, stages, parent_id, path, opened_at)
    SELECT ('00000000-0000-0000-0004-' || lpad(n::text, 12, '0'))::uuid, 'S' || n, 'S', 'S', 'school',
           'school', '{{}}', ('00000000-0000-0000-0003-' || lpad((n % {COUNTIES})::text, 12, '0'))::uuid,
           ('R.P1.C.D' || n % {COUNTIES} || '.S' || n)::ltree, now()
    FROM generate_series(0, {SCHOOLS} - 1) n
    """,
    """
    INSERT INTO unit_changes (unit_id, version, changed_at, state, code, parent_id, kind, effective_on)
    SELECT id, 1, opened_at, jsonb_build_object('code', code, 'name', name, 'short_name', name,
           'level', level, 'kind', kind, 'stages', '[]'::jsonb, 'region_code', NULL, 'path', path::text,
           'status', status), code, parent_id, 'opened', '2020-01-01'
    FROM units
    """,
)
CITY = UUID("00000000-0000-0000-0002-000000000001")
COUNTY = UUID("00000000-0000-0000-0003-000000000007")
OTHER = UUID("00000000-0000-0000-0001-000000000002")
MOVED = 1 + COUNTIES + SCHOOLS


async def filled(url: str) -> None:
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_generic_plan", pool_size=1)
    async with database.transaction() as session:
        for statement in _FILL:
            await session.execute(text(statement))
    await vacuumed(database)
    await database.close()


_UNSEEN = """
SELECT count(*) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relallvisible < relpages
"""


async def vacuumed(database: Database) -> None:
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
        # A page in use is left out: each of its rows would cost a page of its own.
        for _ in range(20):
            if not await connection.scalar(text(_UNSEEN)):
                break
            await connection.execute(text("VACUUM (DISABLE_PAGE_SKIPPING, ANALYZE)"))


@pytest.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    database = Database(await database_factory("large-subtree", filled), plans="force_generic_plan")
    yield database
    await database.close()


async def move(session: AsyncSession, clock: FrozenClock) -> None:
    root = await session.get_one(Unit, UUID(int=1))
    acting = Acting(root.id, root.path, root.level, root.kind, frozenset({"unit_admin"}))
    by = Principal(str(UUID(int=9)), "portal", frozenset(), clock.now(), clock.now(), "x", acting=acting)
    asked = MoveIn(parent_id=OTHER, reason="区划调整")
    _, moved = await UnitTree(session, clock).move(by, CITY, asked, ANY)
    assert moved.units == MOVED


async def test_a_move_is_a_few_statements_and_one_event_however_many_units_move(
    database: Database, clock: FrozenClock
) -> None:
    statements: list[str] = []

    def count(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    async with database.transaction() as session:
        await move(session, clock)
    assert len(statements) < 30
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(outbox.row)) == 1
        paths = (
            select(func.count())
            .select_from(Unit)
            .where(text("path <@ 'R.P2.C' AND version = 2 AND path ~ ('*.' || code)::lquery"))
        )
        assert await session.scalar(paths) == MOVED
        assert await session.scalar(text("SELECT count(*) FROM units WHERE path <@ 'R.P1'")) == 1
        kinds = await session.execute(
            select(UnitChange.kind, func.count()).where(UnitChange.version == 2).group_by(UnitChange.kind)
        )
        assert {str(kind): number for kind, number in kinds} == {"moved": 1, "moved_with": MOVED - 1}


async def test_signing_in_and_reading_go_on_while_a_subtree_moves(
    database: Database, clock: FrozenClock
) -> None:
    async with database.transaction() as moving:
        await move(moving, clock)
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL lock_timeout = '200ms'"))
            # What a sign-in reads, and a row that refers to a moving unit.
            assert (await session.get_one(Unit, COUNTY)).path == "R.P1.C.D7"
            account = UUID(int=5)
            await session.execute(
                text(
                    "INSERT INTO accounts (id, name, phone_sealed, phone_index, phone_masked,"
                    " phone_verified_at, status, version, registered_at) VALUES"
                    " (:id, 'n', '', 'i', '138****0000', now(), 'active', 1, now())"
                ),
                {"id": account},
            )
            await session.execute(
                text(
                    "INSERT INTO memberships (id, account_id, unit_id, roles, started_at)"
                    " VALUES (gen_random_uuid(), :account, :unit, '{}', now())"
                ),
                {"account": account, "unit": COUNTY},
            )


async def test_two_moves_wait_for_each_other(database: Database, clock: FrozenClock) -> None:
    async def once() -> None:
        async with database.transaction() as session:
            await move(session, clock)

    results = await asyncio.gather(once(), once(), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["AlreadyBelow", "NoneType"]


async def test_a_job_announces_the_moved_units_in_batches(database: Database, clock: FrozenClock) -> None:
    async with database.transaction() as session:
        await move(session, clock)
    worker = Worker("identity", database, job_queue, handlers=[HANDLER], pace=Pace(poll=0.2, grace=0.1))
    async with worker.running():
        async for _ in moments():
            async with database.transaction() as session:
                jobs = await job_queue.list(session, kind=ANNOUNCE.name)
            if jobs and jobs[0].state == "succeeded":
                break
    async with database.transaction() as session:
        counts = await session.execute(
            text(
                "SELECT count(*), sum(jsonb_array_length(data->'units')),"
                " max(jsonb_array_length(data->'units')),"
                " bool_and(data->'units'->0->'former_places'->0->>'path' LIKE 'R.P1.%')"
                " FROM outbox WHERE type LIKE '%units.changed.v1'"
            )
        )
    assert counts.one() == (-(-MOVED // BATCH), MOVED, BATCH, True)


@pytest.mark.parametrize("plans", ["force_generic_plan", "force_custom_plan"])
async def test_a_page_of_the_tree_of_a_day_costs_its_rows(
    database: Database, clock: FrozenClock, plans: PlanCacheMode
) -> None:
    async with database.transaction() as session:
        await move(session, clock)
    # So that the server does not do it by itself meanwhile: what it reads counts, too.
    await vacuumed(database)
    single = Database(
        str(database.engine.url.render_as_string(hide_password=False)), plans=plans, pool_size=1
    )
    today = day_of(clock.now())

    async def children(session: AsyncSession) -> None:
        after = encode(["S3"])
        found = await ViewRepository(session).children_on(COUNTY, today, PageRequest(50, after))
        assert len(found.items) == 50

    async def chain(session: AsyncSession) -> None:
        states = await ViewRepository(session).chain_on(COUNTY, today)
        assert [state.unit.code for state in states] == ["D7", "C", "P2", "R"]

    # The total counts the other children, up to 10,000.
    others = SCHOOLS // COUNTIES
    for query, most in ((children, 51 * 20 + others * 3), (chain, 4 * 20)):
        assert min(await pages_read(single, query, 5)) < most
    await single.close()
