"""The database of a service: one engine, and one transaction per request.

The session dependency commits *before* the response is sent (`scope="function"`), so a response confirms the
commit, and the client receives an error if the commit fails.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from sqlalchemy import MetaData, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.pool import NullPool

from servicekit.engine import new_engine
from servicekit.lanes import Lane, Lanes
from servicekit.outages import Waits, connect, limit_statements
from servicekit.problems import Problem

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """Return metadata with the naming convention for constraints that all migrations use."""
    return MetaData(naming_convention=NAMING)


_ANNOUNCED = "zhuxue.announced"
_ON_COMMIT = "zhuxue.on_commit"
_DATABASE = "zhuxue.database"


def announce(session: AsyncSession | SyncSession | Lane, message: object = None) -> None:
    """Run the `after_commit` callbacks after the transaction of `session` has been committed.

    Other transactions do not run them: the relay reads after each wake and would wake itself in a loop.
    `message`, if any, is then also passed to the `listeners` of the database, in this process.
    """
    if isinstance(session, Lane):
        session.announce(message)
    else:
        session.info.setdefault(_ANNOUNCED, []).append(message)


def on_commit(session: AsyncSession | SyncSession, call: Callable[[], None]) -> None:
    """Run `call` in this process after the transaction of `session` has been committed."""
    session.info.setdefault(_ON_COMMIT, []).append(call)


async def plan_with_values(session: AsyncSession) -> None:
    """Plan the further statements of this transaction with their values, in a service with generic plans.

    For statements over many rows: a generic plan does not know that a range covers half of a table, and reads
    and sorts all of it for each page.
    """
    await session.execute(text("SET LOCAL plan_cache_mode = 'force_custom_plan'"))


async def release(session: AsyncSession) -> None:
    """Commit now and return the connection to the pool before a request waits for another system.

    For a request that queries another store or service, so that it holds no connection and no lock meanwhile.
    Earlier writes are kept even if the request fails later; the next statement begins a new transaction.
    """
    await session.commit()
    database: Database = session.info[_DATABASE]
    database.committed(session)


async def hold(session: AsyncSession) -> None:
    """Commit now, and let all further statements of the request see the database at one moment.

    For a request whose statements must agree, while others write. It must not change rows afterwards: that
    fails if another transaction has changed them since.
    """
    await release(session)
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Make the pool replace a closed connection. The driver detects the closure; `pool_pre_ping` would cost
    each request three round trips.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


PlanCacheMode = Literal["force_custom_plan", "force_generic_plan"]
"""Planning mode of statements; each service selects one.

`force_custom_plan` plans each execution with its values. Use it for queries whose best plan depends on the
values, such as the size of a counted subtree.
`force_generic_plan` plans once per connection. Use it for a service that mostly looks up rows by key: in a
partitioned table, planning takes longer than the lookup.
"""


class Database:
    """The engine and the sessions of one service.

    `after_commit` callbacks run after the commit of a transaction that called `announce`; one of them wakes
    the outbox relay, which would otherwise wait for its next poll. `listeners` get the messages of
    `announce`.
    """

    def __init__(
        self,
        url: str,
        *,
        plans: PlanCacheMode,
        pool_size: int = 10,
        overflow: int | None = None,
        waits: Waits = Waits(),  # noqa: B008 - a tuple
    ) -> None:
        """Create the engine; it connects when the first session needs a connection.

        `plans` is PostgreSQL's `plan_cache_mode` for every connection. The driver prepares each statement;
        with the server's default (`auto`), PostgreSQL may switch to a generic plan at the sixth execution.

        `pool_size` connections are kept open; up to `overflow` more (default: `pool_size`) open on demand.
        """
        self._url, self._plans, self._size, self._waits = url, plans, pool_size, waits
        settings = {"timezone": "UTC", "jit": "off", "plan_cache_mode": plans}
        connecting: dict[str, Any] = {"async_creator_fn": connect, "timeout": waits.connect}
        if waits.statement is not None:
            # So that the server stops a statement whose connection was closed.
            settings["client_connection_check_interval"] = "2s"
        self.engine: AsyncEngine = new_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size if overflow is None else overflow,
            pool_timeout=waits.connection,
            connect_args={"server_settings": settings, **connecting},
        )
        if waits.statement is not None:
            limit_statements(self.engine, waits.statement)
        event.listen(self.engine.sync_engine.pool, "checkout", _refuse_closed)
        self._probe = new_engine(url, poolclass=NullPool)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, info={_DATABASE: self})
        self.after_commit: list[Callable[[], None]] = []
        self.listeners: list[Callable[[object], None]] = []
        self._lanes: Lanes | None = None

    @property
    def lanes(self) -> Lanes:
        """The connections for the busiest calls, beside the pool: up to as many as it keeps open."""
        if self._lanes is None:
            self._lanes = Lanes(self._url, self._tell, size=self._size)
        return self._lanes

    def separate(self, *, pool_size: int, limited: bool = False) -> "Database":
        """Return the same database with a separate pool, for work that must not compete with requests.

        `limited` keeps the limit of statements, which holds within `outages.serving`. Both share the
        `after_commit` callbacks and the `listeners`. Close it separately.
        """
        waits = Waits(connect=self._waits.connect, statement=self._waits.statement if limited else None)
        other = Database(self._url, pool_size=pool_size, overflow=0, plans=self._plans, waits=waits)
        other.after_commit, other.listeners = self.after_commit, self.listeners
        return other

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a session in one transaction, which is committed at the end and rolled back on any exception.

        A `Problem` with `keep_changes` is raised again after the commit.
        """
        async with self._sessions() as session:
            try:
                yield session
            except Problem as problem:
                if problem.keep_changes:
                    await session.commit()
                    self.committed(session)
                raise
            await session.commit()
        self.committed(session)

    async def ping(self) -> None:
        """Raise if the database does not respond.

        Uses a connection outside the pool, because a service with an exhausted pool is still healthy.
        """
        async with self._probe.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        if self._lanes is not None:
            await self._lanes.close()
        await self.engine.dispose()

    def committed(self, session: AsyncSession) -> None:
        """Run the callbacks of a committed transaction."""
        for call in session.info.pop(_ON_COMMIT, []):
            call()
        self._tell(session.info.pop(_ANNOUNCED, []))

    def _tell(self, announced: list[object]) -> None:
        for message in announced:
            for listener in self.listeners if message is not None else ():
                listener(message)
        if announced:
            for callback in self.after_commit:
                callback()


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Provide the request's session; the module's docstring describes when it commits."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session, scope="function")]

Check = Callable[[], Awaitable[None]]
