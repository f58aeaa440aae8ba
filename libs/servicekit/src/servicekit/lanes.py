"""Lanes: connections of their own for the few calls that come by the thousand.

A call through a lane is a few statements that find and write rows by their keys, each built in SQLAlchemy
Core once per process and prepared once per connection. There is no session, no ORM and no pool that resets,
and PostgreSQL plans each statement once (docs/adr/0034-lanes.md). Everything else uses `servicekit.db`.

    async with database.lanes.transaction() as lane:
        await lane.lock(shared(SPACE, notice_id))
        row = await lane.first(FACTS, {"notice": notice_id, "unit": unit_id})
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, Final, NamedTuple, Protocol
from uuid import UUID

import asyncpg
import structlog
from fastapi import Depends, Request
from sqlalchemy import CursorResult, make_url
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import Executable

from servicekit.engine import hide_values
from servicekit.outages import LOST, DatabaseBusy
from servicekit.problems import Problem

log = structlog.get_logger("lanes")

WAIT_SECONDS: Final = 5.0
"""How long a call waits for a free connection."""
STATEMENT_SECONDS: Final = 5.0
"""How long a statement may take, with waiting for locks."""
_CONNECT_SECONDS: Final = 5.0

# `force_generic_plan` and joins by loops: a lane looks up rows by their keys, whatever the values.
_SERVER_SETTINGS: Final = {
    "timezone": "UTC",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
    "idle_in_transaction_session_timeout": str(int(STATEMENT_SECONDS * 1000)),
}
_DIALECT: Final = asyncpg_dialect()  # type: ignore[no-untyped-call]
# The connection is gone, or what it has prepared no longer fits the tables.
_GONE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # The server ended the session between two statements: the driver no longer follows what it says.
    asyncpg.InternalClientError,
    OSError,
    asyncio.TimeoutError,
)


class Statement:
    """A statement with named parameters, compiled once; it runs on a lane or in a session."""

    def __init__(self, element: Executable) -> None:
        self.element = element
        compiled: Any = element.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._names: Sequence[str] = tuple(compiled.positiontup or ())
        self._processors: Mapping[str, Callable[[Any], Any]] = dict(compiled._bind_processors)
        self._fixed: Mapping[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order of the placeholders. Raises KeyError for one that is missing."""
        found = []
        for name in self._names:
            value = values[name] if name in values else self._fixed[name]
            process = self._processors.get(name)
            found.append(value if process is None else process(value))
        return found


class Lock(NamedTuple):
    """An advisory lock of a transaction."""

    sql: str


def shared(space: int, *ids: UUID) -> Lock:
    """Return a lock that transactions share: `pg_advisory_xact_lock_shared(space, hashtext(ids))`."""
    return Lock(f"SELECT pg_advisory_xact_lock_shared({_key(space, ids)})")


def alone(space: int, *ids: UUID) -> Lock:
    """Return the lock that excludes all others of the same ids: `pg_advisory_xact_lock`."""
    return Lock(f"SELECT pg_advisory_xact_lock({_key(space, ids)})")


def _key(space: int, ids: Sequence[UUID]) -> str:
    text = "".join(str(UUID(str(id_))) for id_ in ids)
    return f"{int(space)}, hashtext('{text}')"


class Row(Protocol):
    """A row; its columns are attributes."""

    def __getattr__(self, name: str) -> Any: ...


class _Record(asyncpg.Record):  # type: ignore[misc] # the driver has no types
    """A row of a lane, which has its columns as attributes, as rows of a session have."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Runner(Protocol):
    """Runs statements in a transaction: `Lane`, or `InSession`."""

    async def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Return the first row, or None."""
        ...

    async def all(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows."""
        ...


class InSession:
    """Runs statements of lanes in the transaction of a session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Return the first row, or None."""
        result: Any = await self._session.execute(statement.element, dict(values))
        # The rows of a statement with mapped columns are no `CursorResult`.
        nothing = isinstance(result, CursorResult) and not result.returns_rows
        return None if nothing else result.first()

    async def all(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows."""
        result: Any = await self._session.execute(statement.element, dict(values))
        rows: Sequence[Any] = result.all()
        return rows


class _Connection:
    """One connection, and what it has prepared."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self._prepared: dict[Statement, Any] = {}

    async def prepared(self, statement: Statement) -> Any:
        """Return the prepared statement."""
        found = self._prepared.get(statement)
        if found is None:
            # Without a name and a cache, the driver would send the text with each call, to be planned again.
            name = f"lane_{len(self._prepared)}"
            found = self._prepared[statement] = await self.driver.prepare(statement.sql, name=name)
        return found


class Lane:
    """One transaction. It takes a connection when it runs its first statement."""

    def __init__(self, lanes: "Lanes", *, begins: bool = True) -> None:
        """`begins`: whether all statements are one transaction; else each is one of its own."""
        self._lanes = lanes
        self._begins = begins
        self._connection: _Connection | None = None
        self._announced = False
        self._on_commit: list[Callable[[], None]] = []

    async def lock(self, *locks: Lock) -> None:
        """Take advisory locks one after another, until the transaction ends.

        Statements that follow see what was committed before the last of them was granted.
        """
        command = ";".join(lock.sql for lock in locks)
        if self._connection is None:
            # In one message with the beginning.
            await self._begin(f"BEGIN;{command}")
        else:
            await self._connection.driver.execute(command)

    async def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Return the first row, or None."""
        rows = await self.all(statement, values)
        return rows[0] if rows else None

    async def all(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows."""
        if self._connection is None:
            await self._begin("BEGIN" if self._begins else None)
        assert self._connection is not None
        prepared = await self._connection.prepared(statement)
        rows: Sequence[Any] = await prepared.fetch(*statement.arguments(values))
        return rows

    def announce(self) -> None:
        """Run the `after_commit` callbacks of the database after the commit; see `servicekit.db.announce`."""
        self._announced = True

    def on_commit(self, call: Callable[[], None]) -> None:
        """Run `call` in this process after the commit."""
        self._on_commit.append(call)

    def _works(self) -> bool:
        return self._connection is not None and not self._connection.driver.is_closed()

    async def _begin(self, command: str | None) -> None:
        self._connection = await self._lanes._take()
        if command is not None:
            await self._connection.driver.execute(command)

    async def _commit(self) -> None:
        if self._connection is not None and self._begins:
            await self._connection.driver.execute("COMMIT")
        for call in self._on_commit:
            call()
        if self._announced:
            for callback in self._lanes.after_commit:
                callback()


class Lanes:
    """The connections of a process to one database; each opens when it is first needed."""

    def __init__(self, url: str, after_commit: list[Callable[[], None]], *, size: int) -> None:
        """`after_commit`: the callbacks of the database; `size`: how many connections at most."""
        self.after_commit = after_commit
        self._options = _connect_options(url)
        self._free: list[_Connection] = []
        self._closed = False
        self._places = asyncio.Semaphore(size)

    def single(self) -> AbstractAsyncContextManager[Lane]:
        """Return a lane on which each statement is a transaction of its own: two round trips less.

        For a call that reads or writes all it needs in one statement. Raises like `transaction`.
        """
        return self._open(Lane(self, begins=False))

    def transaction(self) -> AbstractAsyncContextManager[Lane]:
        """Open a transaction, which is committed at the end and rolled back on any exception.

        A `Problem` with `keep_changes` is raised again after the commit. Raises `DatabaseBusy` if the
        connection is lost or a statement takes too long; after a commit that was not answered, the caller
        does not know whether it has happened.
        """
        return self._open(Lane(self))

    @asynccontextmanager
    async def _open(self, lane: Lane) -> AsyncIterator[Lane]:
        try:
            try:
                yield lane
            except Problem as problem:
                if problem.keep_changes:
                    await lane._commit()
                else:
                    await self._roll_back(lane)
                raise
            await lane._commit()
        except Problem:
            raise
        except asyncpg.QueryCanceledError as error:
            await self._roll_back(lane)
            LOST.labels("timeout").inc()
            raise DatabaseBusy from error
        except _GONE as error:
            if isinstance(error, asyncpg.InterfaceError) and lane._works():
                # The driver refuses what it was given, such as a value of the wrong type.
                await self._roll_back(lane)
                raise
            log.warning("lane lost", error=type(error).__name__)
            self._drop(lane)
            LOST.labels("connection").inc()
            raise DatabaseBusy from error
        except asyncpg.PostgresError as error:
            hide_values(error)
            await self._roll_back(lane)
            raise
        except Exception:
            # Also a response that is replayed for an idempotency key.
            await self._roll_back(lane)
            raise
        except BaseException:
            # The task is cancelled: the statement may still run, nobody else gets the connection.
            self._drop(lane)
            raise
        finally:
            self._return(lane)

    async def close(self) -> None:
        """Close the free connections; those in use close when their transactions end."""
        self._closed = True
        free, self._free = self._free, []
        for connection in free:
            try:
                await connection.driver.close(timeout=2)
            except (*_GONE, asyncpg.PostgresError):
                connection.driver.terminate()

    async def _take(self) -> _Connection:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            LOST.labels("waiting").inc()
            raise DatabaseBusy from None
        try:
            while self._free:
                connection = self._free.pop()
                if not connection.driver.is_closed():
                    return connection
            return _Connection(await asyncpg.connect(**self._options))
        except BaseException:
            self._places.release()
            raise

    def _return(self, lane: Lane) -> None:
        connection, lane._connection = lane._connection, None
        if connection is not None:
            if self._closed:
                connection.driver.terminate()
            elif not connection.driver.is_closed():
                self._free.append(connection)
            self._places.release()

    async def _roll_back(self, lane: Lane) -> None:
        if lane._connection is not None and lane._begins:
            try:
                await lane._connection.driver.execute("ROLLBACK")
            except (*_GONE, asyncpg.PostgresError):
                self._drop(lane)
            except BaseException:
                # Cancelled meanwhile: the transaction may still be open.
                self._drop(lane)
                raise

    def _drop(self, lane: Lane) -> None:
        if lane._connection is not None:
            lane._connection.driver.terminate()


def _connect_options(url: str) -> dict[str, Any]:
    _, options = _DIALECT.create_connect_args(make_url(url))  # type: ignore[no-untyped-call]
    return {
        **{name: value for name, value in options.items() if not name.startswith("prepared_")},
        "server_settings": _SERVER_SETTINGS,
        "statement_cache_size": 0,
        "record_class": _Record,
        "timeout": _CONNECT_SECONDS,
        # A server that hangs does not end its statements itself.
        "command_timeout": STATEMENT_SECONDS + 1,
    }


async def _lane(request: Request) -> AsyncIterator[Lane]:
    lanes: Lanes = request.app.state.database.lanes
    async with lanes.transaction() as lane:
        yield lane


RequestLane = Annotated[Lane, Depends(_lane, scope="function")]
"""The transaction of the request on a lane; it commits before the response is sent."""
