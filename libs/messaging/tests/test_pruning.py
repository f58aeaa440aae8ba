"""Old ids of events and old idempotency keys go, in small transactions; younger ones stay."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import DateTime, Table, Text, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import Column

from messaging.pruning import prune
from messaging.tables import ServiceTables
from servicekit.db import Database, new_metadata
from servicekit.ids import new_id
from servicekit.pruning import delete_in_batches
from testkit.plugin import DatabaseFactory


class Base(DeclarativeBase):
    metadata = new_metadata()


METADATA = Base.metadata
TABLES = ServiceTables.of(Base, "pruned")
INBOX = TABLES.inbox
assert TABLES.idempotency_keys is not None
KEYS: Table = TABLES.idempotency_keys
NOTES = Table("notes", METADATA, Column("text", Text), Column("at", DateTime(timezone=True)))


async def create_tables(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()


async def count(database: Database, table: Table) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_what_is_old_is_deleted_and_the_rest_stays(database_factory: DatabaseFactory) -> None:
    database = Database(
        await database_factory("pruning", create_tables), pool_size=2, plans="force_custom_plan"
    )
    assert KEYS is not None
    now = datetime.now(UTC)
    async with database.transaction() as session:
        for days in (29, 31, 40):
            await session.execute(
                insert(INBOX).values(queue="q", event_id=new_id(), handled_at=now - timedelta(days=days))
            )
        for hours in (23, 25):
            await session.execute(
                insert(KEYS).values(
                    scope=str(hours).encode(), request_hash=b"", created_at=now - timedelta(hours=hours)
                )
            )
    await prune(database, TABLES)
    assert (await count(database, INBOX), await count(database, KEYS)) == (1, 1)
    await database.close()


async def test_rows_are_deleted_in_batches_and_locked_ones_are_left(
    database_factory: DatabaseFactory,
) -> None:
    database = Database(
        await database_factory("pruning", create_tables), pool_size=2, plans="force_custom_plan"
    )
    async with database.transaction() as session:
        await session.execute(
            insert(NOTES).values(text=bindparam("text")), [{"text": str(number)} for number in range(25)]
        )
    condition = NOTES.c.text.is_not(None)
    async with database.transaction() as session:
        await session.execute(select(NOTES).where(NOTES.c.text == "3").with_for_update())
        assert await delete_in_batches(database, NOTES, condition, batch=10) == 24
    assert await count(database, NOTES) == 1
    await database.close()
