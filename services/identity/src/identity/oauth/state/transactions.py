"""The transaction of one call into the protocol core: on a lane, or in a session.

Authlib's core is synchronous. It runs in a greenlet (`greenlet_spawn`), from which its queries are awaited.
The busiest calls run on a lane (`servicekit.lanes`), with the statements of `issuing_statements`. What they
rarely need beyond these, such as a person's consents, needs a session: `session` then raises `SessionNeeded`,
the lane is rolled back, and the call is made again in a session, where the same statements run.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from servicekit.db import Database
from servicekit.lane_sessions import SessionNeeded
from servicekit.lanes import InSession as Runner
from servicekit.lanes import Lane, Statement

T = TypeVar("T")


class Transaction(Protocol):
    """Where the statements of a call run."""

    @property
    def session(self) -> Session:
        """The sync interface of the session. Raises `SessionNeeded` on a lane."""
        ...

    def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Return the first row, or None."""
        ...

    def ahead(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """Run a statement without rows before the next one, or before the commit: see `Lane.ahead`."""
        ...

    def read(self, work: Callable[[Session], T]) -> T:
        """Return what a query finds that is rarely made; on a lane, in a short transaction of its own."""
        ...


class InSession:
    """The transaction of a session."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session.sync_session
        self._runner = Runner(session)

    def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """See `Transaction`."""
        return await_only(self._runner.first(statement, values))

    def ahead(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """See `Transaction`."""
        await_only(self._runner.ahead(statement, values))

    def read(self, work: Callable[[Session], T]) -> T:
        """See `Transaction`."""
        return work(self.session)


class OnLane:
    """The transaction of a lane."""

    def __init__(self, lane: Lane, database: Database) -> None:
        self._lane = lane
        self._database = database

    @property
    def session(self) -> Session:
        """See `Transaction`."""
        raise SessionNeeded

    def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """See `Transaction`."""
        return await_only(self._lane.first(statement, values))

    def ahead(self, statement: Statement, values: Mapping[str, Any]) -> None:
        """See `Transaction`."""
        self._lane.put_ahead(statement, values)

    def read(self, work: Callable[[Session], T]) -> T:
        """See `Transaction`."""

        async def apart() -> T:
            async with self._database.transaction() as session:
                return await session.run_sync(work)

        return await_only(apart())
