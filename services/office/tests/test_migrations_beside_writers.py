"""Migrations that fill large tables run while others write: nobody waits, and no change is overwritten."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from office.base import MIGRATIONS
from servicekit.db import Database
from servicekit.migrations import upgrade
from testkit.plugin import DatabaseFactory
from testkit.writers import rows, run, waits

OPENED = datetime(2026, 3, 1, 4, tzinfo=UTC)
LATER = OPENED + timedelta(days=5)
CODES = ("R", "A", "B", "C")
IDS = {code: UUID(int=number) for number, code in enumerate(CODES, 1)}
UNIT = (
    "INSERT INTO units (id, code, name, short_name, level, kind, stages, parent_id, path, status, version,"
    " placed_at) VALUES (:id, :code, :code, :code, 'school', 'school', '{}', NULL, text2ltree(:code),"
    " 'active', 1, :at)"
)
PERSON = (
    "INSERT INTO people (sub, name, phone_masked, status, unit_id, unit_path, roles, version)"
    " VALUES (:id, '王小明', '138****0000', 'active', :unit, 'R', '{}', 1)"
)


@pytest.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    """An empty database."""
    database = Database(await database_factory("office"), plans="force_custom_plan", pool_size=3)
    yield database
    await database.close()


async def migrate(database: Database, revision: str) -> None:
    await upgrade(MIGRATIONS, database.engine.url.render_as_string(hide_password=False), revision)


async def test_units_and_people_are_queued_for_the_search_while_they_change(database: Database) -> None:
    await migrate(database, "0027")
    for code in CODES:
        await run(database, UNIT, id=IDS[code], code=code, at=OPENED)
    await run(database, PERSON, id=IDS["A"], unit=IDS["R"])
    await migrate(database, "0028")
    async with database.transaction() as session:
        await session.execute(text("UPDATE units SET name = '乙' WHERE code = 'B'"))
        await session.execute(text(PERSON), {"id": IDS["B"], "unit": IDS["R"]})
        # The migration waits for none of this, and others wait for none of both.
        async with asyncio.timeout(60):
            await migrate(database, "0029")
        await run(database, "UPDATE units SET name = '丙' WHERE code = 'C'")
    queued = await rows(database, "SELECT kind, id, count(*) FROM search_queue GROUP BY 1, 2 ORDER BY 1, 2")
    assert queued == [
        ("person", IDS["A"], 1),
        ("person", IDS["B"], 1),
        # Once by the migration, and once by the change, which is later in the queue or committed later.
        *(("unit", IDS[code], 2 if code in "BC" else 1) for code in CODES),
    ]


async def test_dates_of_units_are_copied_while_units_move(database: Database) -> None:
    await migrate(database, "0042")
    for code in CODES:
        await run(database, UNIT, id=IDS[code], code=code, at=OPENED)
    await run(database, PERSON, id=IDS["A"], unit=IDS["B"])
    await migrate(database, "0043")
    async with database.transaction() as session:
        await session.execute(text("UPDATE units SET placed_at = :at WHERE code = 'B'"), {"at": LATER})
        migration = asyncio.create_task(migrate(database, "0045"))
        await waits(database, "%next_batch%")
    await migration
    await run(database, "UPDATE units SET placed_at = :at WHERE code = 'C'", at=LATER)
    await run(database, UNIT, id=UUID(int=9), code="D", at=LATER)
    await run(database, PERSON, id=IDS["B"], unit=IDS["C"])
    found = await rows(
        database,
        "SELECT code, people, n.placed_at = u.placed_at"
        " FROM units u LEFT JOIN unit_people n ON n.unit_id = u.id ORDER BY code",
    )
    people = {"A": 0, "B": 1, "C": 1, "D": 0, "R": 0}
    assert found == [(code, number, True) for code, number in people.items()]
