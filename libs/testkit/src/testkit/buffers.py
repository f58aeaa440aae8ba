"""The number of pages that a query reads, a cost independent of the machine and the cache."""

from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import Database

_PAGES = text(
    "SELECT coalesce(sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0)"
    " + coalesce(toast_blks_read + toast_blks_hit, 0) + coalesce(tidx_blks_read + tidx_blks_hit, 0)), 0)"
    " FROM pg_statio_user_tables"
)
"""All table and index pages read in this database, with or without the cache."""


async def pages_read(
    database: Database, query: Callable[[AsyncSession], Awaitable[object]], times: int
) -> list[int]:
    """Run `query` in `times` consecutive transactions; return the number of pages that each has read.

    `database` must have a pool of one connection, and must be the only user of its database.
    """
    counts: list[int] = []
    before = await _total(database)
    for _ in range(times):
        async with database.transaction() as session:
            await query(session)
        after = await _total(database)
        counts.append(after - before)
        before = after
    return counts


async def _total(database: Database) -> int:
    # A connection reports what it has read at the end of a transaction, at most once a second unless told to.
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_stat_force_next_flush()"))
    async with database.transaction() as session:
        return int(await session.scalar(_PAGES) or 0)
