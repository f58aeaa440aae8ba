"""The audit log by month: what was there before, what is added, and what nobody may change."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from identity.base import MIGRATIONS
from identity.partitions import partitioned
from servicekit.db import Database
from servicekit.ids import id_at
from servicekit.migrations import upgrade
from servicekit.partitions import ByMonth, maintain
from testkit.plugin import DatabaseFactory
from testkit.postgres import Migration

INSERT = text(
    "INSERT INTO audit_log (id, at, action, target_id, details) VALUES (:id, :at, 'test', 'target', '{}')"
)
PARTS = text("SELECT id, tableoid::regclass::text AS part FROM audit_log ORDER BY id")


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def added(database: Database, at: datetime) -> str:
    row_id = str(id_at(at))
    async with database.transaction() as session:
        await session.execute(INSERT, {"id": row_id, "at": at})
    return row_id


async def parts(database: Database) -> dict[str, str]:
    async with database.transaction() as session:
        return {str(row.id): row.part for row in await session.execute(PARTS)}


async def test_rows_of_the_table_before_stay_and_new_ones_go_by_month(
    database_factory: DatabaseFactory,
) -> None:
    url, now = await database_factory("identity"), datetime.now(UTC)
    await upgrade(MIGRATIONS, url, "0014")
    database = Database(url, plans="force_custom_plan")
    before = [await added(database, now - timedelta(days=days)) for days in (400, 40, 0)]
    await upgrade(MIGRATIONS, url)
    this_month = f"audit_log_part_{now:%Y%m}"
    assert await parts(database) == dict.fromkeys(before, this_month)
    next_month = ByMonth.following(ByMonth.start(now))
    later = {await added(database, at): at for at in (now, next_month)}
    assert {row: part for row, part in (await parts(database)).items() if row in later} == {
        row: f"audit_log_part_{at:%Y%m}" for row, at in later.items()
    }
    await database.close()


async def test_a_partition_has_the_indexes_that_a_query_needs(app: FastAPI) -> None:
    query = text(
        "SELECT tablename, indexdef FROM pg_indexes WHERE tablename LIKE 'audit_log%' ORDER BY indexdef"
    )
    async with app.state.database.transaction() as session:
        rows = (await session.execute(query)).all()
    keys: dict[str, list[str]] = {}
    for row in rows:
        keys.setdefault(row.tablename, []).append(row.indexdef.partition(" USING btree ")[2])
    assert len(keys) >= 4, "the parent, this month, the next, the rest"
    by_id = [f"({column}, id)" for column in ("actor", "correlation_id", "target_id")]
    # Most rows are tokens, which are not in the index by action.
    by_action = "(action, id) WHERE (action <> 'oauth.token_issued'::text)"
    assert all(sorted(found) == sorted(["(id)", by_action, *by_id]) for found in keys.values())


@pytest.mark.parametrize("statement", ["UPDATE {} SET action = 'x'", "DELETE FROM {}"])
async def test_rows_of_a_partition_cannot_be_changed_directly(app: FastAPI, statement: str) -> None:
    database: Database = app.state.database
    row = await added(database, datetime.now(UTC))
    for table in ("audit_log", (await parts(database))[row]):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.transaction() as session:
                await session.execute(text(statement.format(table)))


async def test_the_log_cannot_be_truncated(app: FastAPI) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        async with app.state.database.transaction() as session:
            await session.execute(text("TRUNCATE audit_log"))


async def test_seals_cannot_be_changed_either(app: FastAPI) -> None:
    database: Database = app.state.database
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO audit_seals VALUES (1, gen_random_uuid(), gen_random_uuid(), 0, '', NULL, now())"
            )
        )
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.transaction() as session:
            await session.execute(text("UPDATE audit_seals SET rows = 1"))


async def test_months_of_the_log_are_made_ahead_and_never_dropped(app: FastAPI) -> None:
    database, now = app.state.database, datetime.now(UTC)
    changed = await maintain(database, partitioned(app.state.settings), now + timedelta(days=400))
    ours = [name for name in changed if name.startswith("audit_log")]
    in_400_days = ByMonth.start(now + timedelta(days=400))
    months = (in_400_days, ByMonth.following(in_400_days))
    assert ours == [f"audit_log_part_{month:%Y%m}" for month in months]
