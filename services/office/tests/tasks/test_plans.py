"""The lists and counts of a person read their indexes, and no more rows than the person has tasks."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from contracts.documents import Urgency
from contracts.permissions import BUILT_IN
from contracts.vocabulary import Permission, Reach, Role, TaskKind
from office.addressing.rules import Address
from office.addressing.service import Addressing
from office.desk import list_statements as statements
from office.desk.list_shapes import Shape, cursor_values, values_of
from office.desk.rules import CLOSED, Filters, Me, Place, Sort, View
from office.directory.models import Unit
from office.groups.service import Groups
from office.tasks.service import NewTask, Tasks, ToAddressed
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.lanes import Statement
from services.office.tests.test_plans import filled
from testkit.clock import FrozenClock
from testkit.plans import Scan, scans_of
from testkit.plugin import DatabaseFactory

SENDERS = ("100000", "100000x7", "100000x7x3", "100000x7x3x5")
SCHOOL, OTHER = "100000x7x3x5x1", "100000x7x3x5x2"
DISPATCHED = 20
"""By each sender, to everybody below: the school has 80 tasks in this way."""
MOST_ROWS = 1_500
"""Of one statement, in tables of 200,000 shares and 20,000 tasks."""

_OF_UNITS = """
    INSERT INTO tasks (id, source, key, kind, subject, title, title_pairs, link, urgency, urgency_rank,
                       provisional, needs, by_hand, owner, opened_at, subject_gone)
    SELECT md5('t' || u.code)::uuid, 'office', u.code, 'other', 'x/' || u.code, '报送材料',
           '{报送,送材,材料}', '/x', 'normal', 0, false, '{}', true, md5('owner' || left(u.code, 10))::uuid,
           now(), false
    FROM units u
"""
_ADDRESSES = """
    INSERT INTO task_addresses (id, task_id, sender_id, reach, onward, sent_at)
    SELECT gen_random_uuid(), md5('t' || u.code)::uuid, u.id, 'picked', false, now()
    FROM units u CROSS JOIN generate_series(1, 5) WHERE u.code <> ALL(CAST(:senders AS text[]))
"""
_PICKED = """
    INSERT INTO task_address_units (address_id, unit_id) SELECT id, sender_id FROM task_addresses
"""
_PEOPLE = """
    INSERT INTO people (sub, name, phone_masked, status, unit_id, unit_path, roles, version)
    SELECT md5('p' || code)::uuid, '张三', '138****0000', 'active', id, path, '{handler}', 1 FROM units
"""
_OPEN = """
    INSERT INTO task_shares (task_id, addressee, unit_id, personal, state)
    SELECT md5('t' || code)::uuid, id, id, false, 'open' FROM units WHERE code LIKE '%1'
    UNION ALL
    SELECT md5('t' || code)::uuid, id, id, false, 'open' FROM units WHERE code LIKE '%7'
"""
_PERSONAL = """
    INSERT INTO task_shares (task_id, addressee, unit_id, personal, holder, state)
    SELECT md5('t' || code)::uuid, md5('p' || code)::uuid, id, true, md5('p' || code)::uuid, 'open'
    FROM units WHERE code LIKE '%2' OR code = :school
"""
_DONE = """
    INSERT INTO task_shares (task_id, addressee, unit_id, personal, state, done_by, done_at, ended_at)
    SELECT t.id, u.id, u.id, false, CASE WHEN t.n = 10 THEN 'withdrawn' ELSE 'done' END, u.id,
           CASE WHEN t.n < 10 THEN now() - t.n * interval '1 hour' END, now() - t.n * interval '1 hour'
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM tasks WHERE addressed) t CROSS JOIN units u
    WHERE t.n <= 10
"""


_READ = Statement(
    text(
        "SELECT coalesce(sum(seq_tup_read), 0) AS in_order, coalesce(sum(idx_tup_fetch), 0) AS by_index"
        " FROM pg_stat_xact_user_tables WHERE relname <> 'roles'"
    )
)


async def filled_with_tasks(url: str) -> None:
    """20,000 units, each with tasks; see `SENDERS`."""
    await filled(url)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        senders = await session.scalars(select(Unit).where(Unit.code.in_(SENDERS)))
        tasks = Tasks(session, SystemClock())
        for sender in senders:
            for number in range(DISPATCHED):
                new = NewTask(TaskKind.SIGN, f"{sender.code}/{number}", "x/y", "培训通知", "/x")
                await tasks.open(
                    new,
                    ToAddressed(new_id(), sender.id, Address(Reach.SUBTREE), (Permission.NOTICES_RECEIVE,)),
                )
        await session.flush()
        for statement in (_OF_UNITS, _OPEN, _DONE, _PEOPLE):
            await session.execute(text(statement))
        await session.execute(text(_ADDRESSES), {"senders": list(SENDERS)})
        await session.execute(text(_PICKED))
        await session.execute(text(_PERSONAL), {"school": SCHOOL})
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
    await database.close()


@pytest_asyncio.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    url = await database_factory("office-task-plans", filled_with_tasks)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    yield database
    await database.close()


async def values_for(database: Database, filters: Filters, clock: FrozenClock) -> dict[str, Any]:
    """The parameters of the lists of a handler of two schools."""
    async with database.transaction() as session:
        units = (await session.scalars(select(Unit).where(Unit.code.in_((SCHOOL, OTHER))))).all()
        sub = await session.scalar(text("SELECT md5('p' || :code)::uuid"), {"code": SCHOOL})
        assert isinstance(sub, uuid.UUID)
        handler = BUILT_IN[Role.HANDLER]
        me = Me(sub, units[0].id, tuple(Place(unit.id, handler) for unit in units))
        standings = await Addressing(session, Groups(session, SystemClock())).standings(units)
        return values_of(me, standings, filters, clock.now()) | {"limit": 51}


async def scans(
    database: Database, statement: Statement, filters: Filters, clock: FrozenClock, **more: object
) -> list[Scan]:
    """How a statement of a handler of two schools reads its tables in a session."""
    values = await values_for(database, filters, clock)
    async with database.transaction() as session:
        return await scans_of(session, statement.element, values | more)


async def check_lane(database: Database, statement: Statement, values: dict[str, Any]) -> None:
    """A generic plan reads indexes only, too."""
    async with database.lanes.transaction() as lane:
        # What earlier transactions have read is told, too, until it is added to the statistics.
        before = await lane.first(_READ, {})
        await lane.all(statement, values)
        after = await lane.first(_READ, {})
    assert after.in_order == before.in_order
    # With the rows of the page that joins look up.
    assert after.by_index - before.by_index <= 2 * MOST_ROWS


def check(found: list[Scan]) -> None:
    assert found
    assert [scan for scan in found if "Seq Scan" in scan.kind] == []
    assert sum(scan.rows for scan in found) <= MOST_ROWS, found


FILTERS = (
    Filters(),
    Filters(words="培训"),
    Filters(kinds=("sign",), urgencies=(Urgency.NORMAL,)),
)


@pytest.mark.parametrize("view", View)
async def test_a_list_and_its_total_read_indexes_only(
    database: Database, clock: FrozenClock, view: View
) -> None:
    for filters in FILTERS:
        for sort in Sort:
            shape = Shape.of(view, sort, filters, after=False)
            check(await scans(database, statements.lines(shape), filters, clock))
            check(await scans(database, statements.total(shape), filters, clock))
            values = await values_for(database, filters, clock)
            await check_lane(database, statements.lines(shape), values)
            await check_lane(database, statements.total(shape), values)
    shape = Shape.of(view, Sort.NEWEST, Filters(), after=True)
    key = [clock.now(), uuid.uuid4(), uuid.uuid4()]
    after = cursor_values(key if view in CLOSED else key[1:])
    check(await scans(database, statements.lines(shape), Filters(), clock, **after))


async def test_counts_and_one_dispatched_task_read_indexes_only(
    database: Database, clock: FrozenClock
) -> None:
    check(await scans(database, statements.counts(), Filters(), clock))
    await check_lane(database, statements.counts(), await values_for(database, Filters(), clock))
    async with database.transaction() as session:
        task = await session.scalar(text("SELECT id FROM tasks WHERE addressed LIMIT 1"))
    check(await scans(database, statements.reached(), Filters(), clock, task=task))


def test_each_statement_is_built_once() -> None:
    shape = Shape.of(View.OPEN, Sort.NEWEST, Filters(words="培训 通知"), after=False)
    other = Shape.of(View.OPEN, Sort.NEWEST, Filters(words="材料 报送"), after=False)
    assert statements.lines(shape) is statements.lines(other)
    assert statements.counts() is statements.counts()
