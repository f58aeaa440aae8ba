"""Access to ClickHouse through `clickhouse-connect`, whose calls block: they run in threads of their own.

One client per thread. chDB allows one engine, that is one directory, per process and one process per
directory; any number of clients share the engine.
"""

import asyncio
import faulthandler
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from cockpit.analytics.schema import MIGRATIONS, VERSION_TABLE

T = TypeVar("T")

# Of our own requests none takes this long; one that does must not hold its thread for ever.
_SETTINGS = {"max_execution_time": 60}


class Analytics:
    """The store of facts. Call `start` before anything else."""

    def __init__(self, dsn: str, *, database: str = "cockpit", threads: int = 4) -> None:
        self._dsn = dsn
        self._database = database
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="analytics")
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    async def start(self) -> None:
        """Make the database and bring its tables up to date; safe to repeat."""
        await self._run(self._prepare)

    async def close(self) -> None:
        """Close every client; with chDB the last one closed ends the engine."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        for client in self._clients:
            await asyncio.to_thread(client.close)
        self._clients.clear()

    async def ping(self) -> None:
        """Raise if the store does not answer."""
        await self.query("SELECT 1")

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a SELECT, by column name. `parameters` are bound in the server: `{name:Type}`."""
        return await self._run(
            lambda: list(self._client().query(sql, parameters=dict(parameters or {})).named_results())
        )

    async def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run anything that returns no rows."""
        await self._run(lambda: self._client().command(sql, parameters=dict(parameters or {})))

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Append `rows`. What is acknowledged survives a kill; a killed insert may survive in part."""
        if rows:
            await self._run(lambda: self._client().insert(table, rows, column_names=list(columns)))

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._open(database=self._database)
        return client

    def _open(self, database: str | None = None) -> Client:
        # Serialised: chDB does not like two threads that start its engine at the same moment.
        with self._lock:
            client = clickhouse_connect.get_client(dsn=self._dsn, database=database, settings=dict(_SETTINGS))
            self._clients.append(client)
            return client

    def _prepare(self) -> None:
        # Kept open until `close`, so that the engine does not end and start again in between.
        self._open().command(f"CREATE DATABASE IF NOT EXISTS `{self._database}`")
        _die_on_crash()
        client = self._client()
        client.command(VERSION_TABLE)
        applied = {row[0] for row in client.query("SELECT version FROM schema_version").result_rows}
        for version, statements in MIGRATIONS:
            if version in applied:
                continue
            for statement in statements:
                client.command(statement)
            client.insert("schema_version", [[version]], column_names=["version"])


def _die_on_crash() -> None:
    """Take back SIGSEGV and SIGABRT, for which chDB installs handlers that hang the process.

    A crashed process has to end, so that it is started again; the stack goes to standard error.
    """
    if sys.__stderr__ is not None:
        faulthandler.disable()
        faulthandler.enable(file=sys.__stderr__)
