"""The database of a service: one engine, and one transaction per request.

The session dependency commits *before* the response is sent (`scope="function"`): a client that has
its answer can rely on it, and a commit that fails is an error the client sees.
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
from servicekit.problems import Problem

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    """Metadata with the constraint names that all our migrations use."""
    return MetaData(naming_convention=NAMING)


_ANNOUNCED = "zhuxue.announced"
_ON_COMMIT = "zhuxue.on_commit"
_DATABASE = "zhuxue.database"


def announce(session: AsyncSession | SyncSession) -> None:
    """Have the `after_commit` callbacks run once the transaction of `session` has been committed.

    Reading transactions do not: the relay reads after each wake, and would wake itself for ever.
    """
    session.info[_ANNOUNCED] = True


def on_commit(session: AsyncSession | SyncSession, call: Callable[[], None]) -> None:
    """Have `call` run in this process once the transaction of `session` has been committed."""
    session.info.setdefault(_ON_COMMIT, []).append(call)


async def release(session: AsyncSession) -> None:
    """Commit now and return the connection to the pool, before a request waits for something else.

    For a request that queries another store or another service: no connection and no lock is held meanwhile.
    What was written so far stays, whatever follows; a later statement begins another transaction.
    """
    await session.commit()
    database: Database = session.info[_DATABASE]
    database.committed(session)


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection whose server has gone. The driver has noticed by itself: asking the
    server each time (`pool_pre_ping`) would cost every request three round trips.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


PlanCacheMode = Literal["force_custom_plan", "force_generic_plan"]
"""How statements are planned; each service chooses one.

`force_custom_plan`: for each execution, with its values. For queries whose best plan depends on the values,
such as the size of the subtree that is counted.
`force_generic_plan`: once for each connection. For a service that mostly looks up rows by key: planning a
lookup in a partitioned table takes longer than the lookup.
"""


class Database:
    """The engine and the sessions of one service.

    `after_commit` callbacks run once a transaction that called `announce` has been committed; the outbox
    relay uses one to be woken instead of waiting for its next poll.
    """

    def __init__(
        self, url: str, *, plans: PlanCacheMode, pool_size: int = 10, overflow: int | None = None
    ) -> None:
        """Make the engine; it connects when the first session needs a connection.

        `plans` is PostgreSQL's `plan_cache_mode` for every connection. The driver prepares each statement;
        with the server's default (`auto`) a generic plan may take over at the sixth execution.

        `pool_size` connections are kept open; `overflow` more (default: as many) are opened when needed.
        """
        self._url, self._plans = url, plans
        settings = {"timezone": "UTC", "jit": "off", "plan_cache_mode": plans}
        self.engine: AsyncEngine = new_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size if overflow is None else overflow,
            connect_args={"server_settings": settings},
        )
        event.listen(self.engine.sync_engine.pool, "checkout", _refuse_closed)
        self._probe = new_engine(url, poolclass=NullPool)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, info={_DATABASE: self})
        self.after_commit: list[Callable[[], None]] = []

    def separate(self, *, pool_size: int) -> "Database":
        """The same database through a pool of its own, for work that must not compete with requests.

        Both share the `after_commit` callbacks. Close it separately.
        """
        other = Database(self._url, pool_size=pool_size, overflow=0, plans=self._plans)
        other.after_commit = self.after_commit
        return other

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, rolled back when anything is raised.

        A `Problem` with `keep_changes` is raised on after the commit.
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
        """Raise if the database does not answer.

        The connection is not the pool's: a service whose connections are all busy is not out of order.
        """
        async with self._probe.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    def committed(self, session: AsyncSession) -> None:
        """Run the callbacks of a transaction that has been committed."""
        for call in session.info.pop(_ON_COMMIT, []):
            call()
        if session.info.pop(_ANNOUNCED, False):
            for callback in self.after_commit:
                callback()


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """The request's session; see the module's docstring for when it commits."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session, scope="function")]

Check = Callable[[], Awaitable[None]]
