"""Statements beside a migration, for tests of what it does while others write."""

import asyncio
from typing import Any

from sqlalchemy import text

from servicekit.db import Database

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE :query"
)


async def run(database: Database, statement: str, **values: Any) -> None:
    """Run a statement in a transaction of its own, which waits a second for a lock at most."""
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL lock_timeout = '1s'"))
        await session.execute(text(statement), values)


async def rows(database: Database, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query in a transaction of its own."""
    async with database.transaction() as session:
        return [tuple(row) for row in await session.execute(text(statement), values)]


async def waits(database: Database, query: str) -> None:
    """Return when a statement that is LIKE `query` waits for a lock; AssertionError after a minute."""
    for _ in range(3000):
        [(waiting,)] = await rows(database, _WAITING, query=query)
        if waiting:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"nobody waits: {query}")
