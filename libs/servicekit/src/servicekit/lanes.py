"""Lanes: connections of their own for the few calls that come by the thousand.

A call through a lane is a few statements that find and write rows by their keys, each built in SQLAlchemy
Core once per process and prepared once per connection. There is no session, no ORM and no pool that resets,
and PostgreSQL plans each statement once (docs/adr/0034-lanes.md). Everything else uses `servicekit.db`.

    async with database.lanes.transaction() as lane:
        await lane.lock(advisory_locks.shared(SPACE, notice_id))
        row = await lane.first(FACTS, {"notice": notice_id, "unit": unit_id})
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Annotated, Any, Final, Protocol

import asyncpg
import structlog
from fastapi import Depends, Request
from sqlalchemy import CursorResult, Select, func, select, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import Executable

from servicekit.advisory_locks import Lock
from servicekit.engine import hide_values
from servicekit.inserts import inserting
from servicekit.lane_connections import BEGIN, GONE, Connection
from servicekit.outages import LOST, DatabaseBusy
from servicekit.problems import Problem
from servicekit.wire import executed

log = structlog.get_logger("lanes")

WAIT_SECONDS: Final = 5.0
"""How long a call waits for a free connection."""
_DIALECT: Final = asyncpg_dialect()  # type: ignore[no-untyped-call]


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


def locking(rows: Select[Any]) -> Select[Any]:
    """Return a statement that locks `rows`, a query `with_for_update`, and returns none, for `Lane.ahead`."""
    locked = rows.subquery("locked")
    # A condition that never holds and that PostgreSQL cannot know before it has read the rows.
    return select(func.count()).select_from(locked).having(func.count() < 0)


@cache
def _inserting(mapped: Any, names: frozenset[str]) -> Statement:
    return Statement(inserting(mapped, names))


_SAVEPOINT: Final = Statement(text("SAVEPOINT lane"))
_UNDO: Final = "ROLLBACK TO SAVEPOINT lane"


class Row(Protocol):
    """A row; its columns are attributes."""

    def __getattr__(self, name: str) -> Any: ...


class Runner(Protocol):
    """Runs statements in a transaction: `Lane`, or `InSession`."""

    async def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Return the first row, or None."""
        ...

    async def all(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows."""
        ...

    async def ahead(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """Run a statement without rows before the next one, or before the commit: see `Lane.ahead`."""
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

    async def ahead(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """Run a statement without rows, now."""
        await self._session.execute(statement.element, dict(values))


class Lane:
    """One transaction. It takes a connection when it runs its first statement.

    `BEGIN` travels with the first statement, and `COMMIT` with what was written `ahead` of it.
    """

    def __init__(self, lanes: "Lanes", *, begins: bool = True) -> None:
        """`begins`: whether all statements are one transaction; else each is one of its own."""
        self._lanes = lanes
        self._begins = begins
        self._begun = False
        self._waiting: list[tuple[Statement, Mapping[str, Any]]] = []
        self._connection: Connection | None = None
        self._announced: list[object] = []
        self._on_commit: list[Callable[[], None]] = []

    async def lock(self, *locks: Lock) -> None:
        """Take advisory locks one after another, until the transaction ends.

        Statements that follow see what was committed before the last of them was granted.
        """
        if self._waiting:
            raise RuntimeError("locks come before what is written")
        command = ";".join(lock.sql for lock in locks)
        if not self._begun:
            # In one message with the beginning.
            self._begun, command = True, f"BEGIN;{command}"
        connection = await self._connected()
        await connection.driver.execute(command)

    async def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Return the first row, or None."""
        rows = await self.all(statement, values)
        return rows[0] if rows else None

    async def all(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return all rows."""
        connection = await self._connected()
        prepared = await connection.prepared(statement.sql)
        arguments = statement.arguments(values)
        await self._send_ahead(connection)
        rows: Sequence[Any] = await prepared.fetch(*arguments)
        return rows

    async def ahead(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """Run a statement before the next one or the commit, in the same round trip.

        It must return no rows; where that depends on the data, none ever. If it fails, the next one does.
        The next one sees what it has changed, and what others had committed when it was granted its locks.
        """
        self.put_ahead(statement, values)

    def put_ahead(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """See `ahead`."""
        if not self._begins:
            raise RuntimeError("a lane for single statements has nothing to wait for")
        self._waiting.append((statement, values))

    def add(self, row: Any) -> None:
        """Insert a new mapped object `ahead`, as `Session.add` does; the server sets the other columns."""
        values = {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}
        self.put_ahead(_inserting(row.__class__, frozenset(values)), values)

    def announce(self, message: object = None) -> None:
        """See `servicekit.db.announce`."""
        self._announced.append(message)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what is done in this context if it ends with an exception."""
        self.put_ahead(_SAVEPOINT, {})
        kept = len(self._waiting)
        try:
            yield
        except Exception:
            if kept <= len(self._waiting) and self._waiting[kept - 1][0] is _SAVEPOINT:
                # Nothing has been sent since, the savepoint neither.
                del self._waiting[kept - 1 :]
            elif self._works():
                # Now: after an error of the database, it would not even prepare what follows.
                self._waiting.clear()
                await (await self._connected()).driver.execute(_UNDO)
            raise

    def on_commit(self, call: Callable[[], None]) -> None:
        """Run `call` in this process after the commit."""
        self._on_commit.append(call)

    async def keep(self) -> None:
        """Commit now; what follows is a transaction of its own."""
        await self._commit()
        self._begun, self._on_commit, self._announced = False, [], []

    def _works(self) -> bool:
        return self._connection is not None and not self._connection.driver.is_closed()

    async def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = await self._lanes._take()
        return self._connection

    async def _send_ahead(self, connection: Connection) -> None:
        waiting, self._waiting = self._waiting, []
        names = [(await connection.prepared(statement.sql)).get_name() for statement, _ in waiting]
        messages = [
            executed(name, statement.arguments(values))
            for name, (statement, values) in zip(names, waiting, strict=True)
        ]
        if self._begins and not self._begun:
            self._begun = True
            messages.insert(0, BEGIN)
        connection.send(messages)

    async def _commit(self) -> None:
        if self._waiting or self._begun:
            connection = await self._connected()
            await self._send_ahead(connection)
            await connection.end()
        for call in self._on_commit:
            call()
        self._lanes.tell(self._announced)


class Lanes:
    """The connections of a process to one database; each opens when it is first needed."""

    def __init__(self, url: str, tell: Callable[[list[object]], None], *, size: int) -> None:
        """`tell`: passes on what a committed transaction announced; `size`: how many connections at most."""
        self.tell = tell
        self._url = url
        self._free: list[Connection] = []
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
        except GONE as error:
            if isinstance(error, asyncpg.InterfaceError) and lane._works():
                # The driver refuses what it was given, such as a value of the wrong type; what was sent ahead
                # of it has no end.
                self._drop(lane)
                raise
            log.warning("lane lost", error=type(error).__name__)
            self._drop(lane)
            LOST.labels("connection").inc()
            raise DatabaseBusy from error
        except asyncpg.PostgresError as error:
            hide_values(error)
            if error.severity is None:
                # Not the server's: the driver refuses a value, and what was sent ahead of it has no end.
                self._drop(lane)
            else:
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
            except (*GONE, asyncpg.PostgresError):
                connection.driver.terminate()

    async def _take(self) -> Connection:
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        try:
            while self._free:
                connection = self._free.pop()
                if not connection.driver.is_closed():
                    return connection
            return await Connection.open(self._url)
        except BaseException:
            self._places.release()
            raise

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            LOST.labels("waiting").inc()
            raise DatabaseBusy from None

    def _return(self, lane: Lane) -> None:
        connection, lane._connection = lane._connection, None
        if connection is not None:
            if self._closed:
                connection.driver.terminate()
            elif not connection.driver.is_closed():
                self._free.append(connection)
            self._places.release()

    async def _roll_back(self, lane: Lane) -> None:
        if lane._connection is not None and lane._begun:
            try:
                await lane._connection.driver.execute("ROLLBACK")
            except (*GONE, asyncpg.PostgresError):
                self._drop(lane)
            except BaseException:
                # Cancelled meanwhile: the transaction may still be open.
                self._drop(lane)
                raise

    def _drop(self, lane: Lane) -> None:
        if lane._connection is not None:
            lane._connection.driver.terminate()


async def _lane(request: Request) -> AsyncIterator[Lane]:
    lanes: Lanes = request.app.state.database.lanes
    async with lanes.transaction() as lane:
        yield lane


RequestLane = Annotated[Lane, Depends(_lane, scope="function")]
"""The transaction of the request on a lane; it commits before the response is sent."""
