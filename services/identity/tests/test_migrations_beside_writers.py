"""Migrations that fill large tables run while others write: nobody waits for them longer than for a row."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from identity.base import MIGRATIONS
from servicekit.db import Database
from servicekit.migrations import upgrade
from testkit.plugin import DatabaseFactory
from testkit.writers import rows, run, waits

BEGAN = datetime(2026, 3, 1, 4, tzinfo=UTC)
PATHS = {"R": "R", "A": "R.A", "B": "R.B", "C": "R.C"}
IDS = {code: UUID(int=number) for number, code in enumerate(PATHS, 1)}


@pytest.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    """An empty database."""
    database = Database(await database_factory("identity"), plans="force_custom_plan", pool_size=3)
    yield database
    await database.close()


def migrated(database: Database, revision: str) -> "asyncio.Task[None]":
    url = database.engine.url.render_as_string(hide_password=False)
    return asyncio.ensure_future(upgrade(MIGRATIONS, url, revision))


UNIT = (
    "INSERT INTO units (id, code, name, short_name, level, kind, stages, path, parent_id, status, version,"
    " opened_at) VALUES (:id, :code, :code, :code, 'school', 'school', '{}', CAST(:path AS ltree), :parent,"
    " 'active', 1, :at)"
)
CHANGE = (
    "INSERT INTO unit_changes (unit_id, version, changed_at, state)"
    " VALUES (:id, :version, :at, CAST(:state AS jsonb))"
)
PERSON = (
    "INSERT INTO accounts (id, name, phone_sealed, phone_index, phone_masked, phone_verified_at, status,"
    " version, registered_at) VALUES (:id, '王小明', '', :index, '', :at, 'active', 1, :at)"
)


def state(code: str) -> str:
    return json.dumps({"code": code, "path": PATHS[code], "status": "active", "name": code})


async def test_changes_of_units_are_dated_while_units_change(database: Database) -> None:
    await migrated(database, "0022")
    for code, path in PATHS.items():
        parent = IDS["R"] if "." in path else None
        await run(database, UNIT, id=IDS[code], code=code, path=path, parent=parent, at=BEGAN)
        await run(database, CHANGE, id=IDS[code], version=1, at=BEGAN, state=state(code))
    await migrated(database, "0023")
    later = BEGAN + timedelta(days=5)
    async with database.transaction() as session:
        # A process of the previous release changes a unit.
        await session.execute(text("UPDATE units SET version = 2 WHERE code = 'B'"))
        migration = migrated(database, "0024")
        await waits(database, "%next_batch%")
        # Meanwhile others register people and change units.
        await run(database, PERSON, id=IDS["A"], at=later, index=b"A")
        await run(database, "UPDATE units SET version = 2 WHERE code = 'C'")
        await run(database, CHANGE, id=IDS["C"], version=2, at=later, state=state("C"))
        change = {"id": IDS["B"], "version": 2, "at": later, "state": state("B")}
        await session.execute(text(CHANGE), change)
    await migration
    dated = await rows(
        database,
        "SELECT c.code, c.version, kind, c.parent_id = :root, effective_on::text, valid_to::text"
        " FROM unit_changes c ORDER BY c.code, c.version",
        root=IDS["R"],
    )
    assert dated == [
        ("A", 1, "opened", True, "2026-03-01", None),
        ("B", 1, "opened", True, "2026-03-01", "2026-03-06"),
        ("B", 2, "amended", True, "2026-03-06", None),
        ("C", 1, "opened", True, "2026-03-01", "2026-03-06"),
        ("C", 2, "amended", True, "2026-03-06", None),
        ("R", 1, "opened", None, "2026-03-01", None),
    ]


async def test_people_and_units_are_queued_for_the_search_while_people_change(database: Database) -> None:
    await migrated(database, "0046")
    await run(database, UNIT, id=IDS["R"], code="R", path="R", parent=None, at=BEGAN)
    for code, sub in IDS.items():
        await run(database, PERSON, id=sub, at=BEGAN, index=code.encode())
    indexed = "INSERT INTO people_search (account_id, name, words, tokens) VALUES (:id, '王小明', '', '{}')"
    async with database.transaction() as session:
        # The indexer of the previous release is at work.
        await session.execute(text("DELETE FROM search_queue"))
        await session.execute(text(indexed), {"id": IDS["A"]})
        migration = migrated(database, "head")
        await waits(database, "%ix_people_search_first%")
        await run(database, "UPDATE accounts SET name = '王小川' WHERE id = :id", id=IDS["B"])
        await run(database, indexed, id=IDS["B"])
    await migration
    queued = await rows(database, "SELECT kind, id, count(*) FROM search_queue GROUP BY 1, 2 ORDER BY 1, 2")
    assert queued == [
        # Once by the change, once by the migration.
        *(("person", sub, 2 if code == "B" else 1) for code, sub in IDS.items()),
        ("unit", IDS["R"], 1),
    ]
    assert await rows(database, "SELECT DISTINCT first FROM people_search") == [("",)]
