"""SQL statements per request, counted by pg_stat_statements."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from testkit.backends.postgresql import connect


class Statements:
    """Counts the statements of one database, without transaction control."""

    def __init__(self, server: str, database: str) -> None:
        self._server = server
        self._database = database
        self.each: list[tuple[float, str]] = []
        """Return how often each statement was executed per request since the last count."""

    @classmethod
    async def prepare(cls, server: str) -> None:
        """Prepare once before the load; counting starts later."""
        connection = await connect(server)
        try:
            await connection.execute("CREATE EXTENSION pg_stat_statements")
            await connection.execute("ALTER SYSTEM SET pg_stat_statements.track_utility = off")
            await cls._track(connection, "none")
        finally:
            await connection.close()

    async def during(self, work: Callable[[Callable[[], Awaitable[None]]], Awaitable[int]]) -> float:
        """Return the statements per request of `work`, without the server's background statements.

        `work` awaits its argument before its first counted request, and returns the number of requests.
        """
        connection = await connect(self._server)
        try:
            await self._track(connection, "top")
            began = time.monotonic()
            await asyncio.sleep(1)
            idle = await self._count(connection) / (time.monotonic() - began)
            before, began = 0, 0.0

            async def mark() -> None:
                nonlocal before, began
                before, began = await self._count(connection), time.monotonic()

            requests = await work(mark)
            made = await self._count(connection) - before
            self.each = [(row["calls"] / requests, row["query"]) for row in await self._rows(connection)]
            await self._track(connection, "none")
            return float(max(0.0, made - idle * (time.monotonic() - began)) / requests)
        finally:
            await connection.close()

    @staticmethod
    async def _track(connection: Any, what: str) -> None:
        await connection.execute(f"ALTER SYSTEM SET pg_stat_statements.track = '{what}'")
        await connection.execute("SELECT pg_reload_conf()")
        # Every server process reads its settings again when it is next idle.
        await asyncio.sleep(0.2)
        await connection.execute("SELECT pg_stat_statements_reset()")

    async def _count(self, connection: Any) -> int:
        return sum(row["calls"] for row in await self._rows(connection))

    async def _rows(self, connection: Any) -> list[Any]:
        return list(
            await connection.fetch(
                "SELECT calls, query FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid"
                " WHERE datname = $1 ORDER BY calls DESC",
                self._database,
            )
        )
