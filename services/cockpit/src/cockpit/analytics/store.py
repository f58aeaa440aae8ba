"""Access to ClickHouse through `clickhouse-connect`, whose blocking calls run in dedicated threads.

One client per thread. chDB allows one engine (one directory) per process and one process per directory; any
number of clients share the engine.
"""

import asyncio
import faulthandler
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

import clickhouse_connect
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, Error

from cockpit.analytics.errors import AnalyticsBusy, AnalyticsTimeout, AnalyticsUnavailable
from cockpit.analytics.lanes import Lane
from cockpit.analytics.profiles import profile_of
from cockpit.analytics.tables import SCHEMA_VERSION, VERSIONS

T = TypeVar("T")
log = structlog.get_logger("analytics")

QUERY_SECONDS = 60
"""The store stops a request that takes longer, so that none holds its thread for ever."""
WAIT_SECONDS = 10.0
"""A request that has waited so long for a thread is refused."""
WRITERS = 2

# Codes of ClickHouse (src/Common/ErrorCodes.cpp).
_TIMED_OUT = {159, 160, 394}  # TIMEOUT_EXCEEDED, TOO_SLOW, QUERY_WAS_CANCELLED
_UNANSWERED = {209, 210, 236}  # SOCKET_TIMEOUT, NETWORK_ERROR, ABORTED
# NO_ZOOKEEPER, TABLE_IS_READ_ONLY, ALL_CONNECTION_TRIES_FAILED, TOO_FEW_LIVE_REPLICAS,
# UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE, REPLICA_IS_NOT_IN_QUORUM, UNKNOWN_STATUS_OF_INSERT, KEEPER_EXCEPTION
_UNANSWERED |= {225, 242, 279, 285, 286, 289, 319, 999}
_UNANSWERED |= {243}  # NOT_ENOUGH_SPACE
_OVERLOADED = {202, 241, 252}  # TOO_MANY_SIMULTANEOUS_QUERIES, MEMORY_LIMIT_EXCEEDED, TOO_MANY_PARTS


class Analytics:
    """The fact store. Call `start` first.

    Queries, writes and the readiness check have separate threads, so that they do not delay each other.
    At most `queue` queries (and as many writes) wait for a thread; more raise `AnalyticsBusy`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        database: str = "cockpit",
        cluster: str | None = None,
        threads: int = 4,
        queue: int = 32,
    ) -> None:
        self._dsn = dsn
        self._database = database
        self._profile = profile_of(database, cluster)
        self._queries = Lane("query", threads=threads, queue=queue, wait_seconds=WAIT_SECONDS)
        self._writes = Lane("write", threads=WRITERS, queue=queue, wait_seconds=QUERY_SECONDS)
        self._checks = Lane("check", threads=1, queue=queue, wait_seconds=WAIT_SECONDS)
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    async def start(self) -> None:
        """Create the database and migrate its tables; idempotent."""
        await self._writes.run(self._prepare)

    async def close(self) -> None:
        """Close every client; with chDB, closing the last one stops the engine."""
        for lane in (self._queries, self._writes, self._checks):
            await lane.close()
        for client in self._clients:
            await asyncio.to_thread(client.close)
        self._clients.clear()

    async def ping(self) -> None:
        """Raise if the store does not respond. Runs in its own thread, so that load does not delay it."""
        await self._run(self._checks, lambda: self._client().query("SELECT 1"))

    async def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        writing: bool = False,
        seconds: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return the rows of a SELECT, by column name. The server binds `parameters`: `{name:Type}`.

        A query that belongs to a write (`writing`) queues with the writes. The store stops it after `seconds`
        (default: `QUERY_SECONDS`). Raises `AnalyticsBusy`,
        `AnalyticsTimeout`, `AnalyticsUnavailable`, as do the other methods.
        """
        return await self._run(
            self._writes if writing else self._queries,
            lambda: list(
                self._client()
                .query(
                    sql,
                    parameters=dict(parameters or {}),
                    settings=None if seconds is None else {"max_execution_time": seconds},
                )
                .named_results()
            ),
            patient=writing,
        )

    async def execute(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, patient: bool = False
    ) -> None:
        """Run a statement that returns no rows."""
        await self._run(
            self._writes,
            lambda: self._client().command(sql, parameters=dict(parameters or {})),
            patient=patient,
        )

    async def delete(self, table: str, condition: str, parameters: Mapping[str, Any]) -> None:
        """Delete rows of a table, on all nodes. Waits its turn, however long that is."""
        await self.execute(self._profile.delete(table, condition), parameters, patient=True)

    async def insert(
        self, table: str, columns: Sequence[str], lines: BinaryIO, format_: str = "JSONCompactEachRow"
    ) -> None:
        """Append rows from `lines`, in a format of ClickHouse, as one insert.

        An acknowledged insert survives a kill; an interrupted one may persist in part.
        """
        await self._run(
            self._writes,
            lambda: self._client().raw_insert(table, columns, insert_block=lines, fmt=format_),
        )

    async def _run(self, lane: Lane, call: Callable[[], T], *, patient: bool = False) -> T:
        try:
            return await lane.run(call, patient=patient)
        except Error as error:
            if error.code in _TIMED_OUT:
                raise AnalyticsTimeout from error
            if error.code in _OVERLOADED:
                raise AnalyticsBusy from error
            # Without a code, the client failed while it waited for an answer, by a timeout of its own, too.
            lost = isinstance(error, DatabaseError) and error.code is None
            if lost or error.code in _UNANSWERED:
                raise AnalyticsUnavailable from error
            raise

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._open(database=self._database)
        return client

    def _open(self, database: str | None = None) -> Client:
        # Serialised, because chDB does not support two threads starting its engine at the same time.
        with self._lock:
            client = clickhouse_connect.get_client(
                dsn=self._dsn,
                database=database,
                settings={"max_execution_time": QUERY_SECONDS, **self._profile.settings},
            )
            self._clients.append(client)
            return client

    def _prepare(self) -> None:
        if self._dsn.startswith("chdb:") and (folder := urlsplit(self._dsn).path):
            _forget_unwritten(Path(folder))
        # Kept open until `close`, so that the engine does not restart in between.
        self._open().command(self._profile.create_database())
        _die_on_crash()
        client = self._client()
        for statement in self._profile.statements(SCHEMA_VERSION):
            client.command(statement)
        applied = {row[0] for row in client.query("SELECT version FROM schema_version").result_rows}
        for version, changes in VERSIONS:
            if version in applied:
                continue
            for change in changes:
                for statement in self._profile.statements(change):
                    client.command(statement)
            client.command(
                "INSERT INTO schema_version (version) SELECT {version:UInt32}",
                parameters={"version": version},
            )


def _forget_unwritten(folder: Path) -> None:
    """Delete files of deletions that have no content, as a full disk may leave them.

    chDB opens no table that has one. Nobody was told that such a deletion is done, so it is tried again.
    """
    for file in folder.glob("store/*/*/mutation_*.txt"):
        if file.stat().st_size == 0:
            file.unlink()
            log.warning("deletion that was not written forgotten", file=str(file))


def _die_on_crash() -> None:
    """Restore the handlers of SIGSEGV and SIGABRT; those that chDB installs hang the process.

    A crashed process must exit, so that it is restarted; the stack goes to standard error.
    """
    if sys.__stderr__ is not None:
        faulthandler.disable()
        faulthandler.enable(file=sys.__stderr__)
