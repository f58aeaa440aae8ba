"""Streams of events that are open in this process. They end with their session, whichever process ended it.

Whoever ends a session notifies all processes (`SessionRepository`). Sessions that expire are found by a look
now and then, as are those that ended while the connection to the database was interrupted.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import event

from portal.sessions.repository import CHANNEL, SessionRepository
from servicekit.background import repeated
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.outages import serving

_LOOK_SECONDS: Final = 5.0


class OpenStream:
    """One stream to one page."""

    def __init__(self, closing: set[asyncio.Task[None]]) -> None:
        self.ended = False
        self._answer: httpx.Response | None = None
        self._closing = closing

    def answered(self, answer: httpx.Response) -> None:
        """Take the answer of the service, which is closed at the end of the session."""
        self._answer = answer
        if self.ended:
            self.end()

    def end(self) -> None:
        """Close the connection to the service: whoever reads from it gets no more."""
        self.ended = True
        if self._answer is not None:
            task = asyncio.get_running_loop().create_task(self._answer.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


class OpenStreams:
    """The streams of all sessions in this process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database.separate(pool_size=1, limited=True)
        self._clock = clock
        self._of: dict[UUID, set[OpenStream]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen until the context exits."""
        event.listen(self._database.engine.sync_engine, "connect", self._listen)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._database.close)
            await stack.enter_async_context(repeated("sessions.streams", self._look, every=_LOOK_SECONDS))
            yield

    @contextmanager
    def opened(self, session_id: UUID) -> Iterator[OpenStream]:
        """Count a stream until the context exits. Enter it before the session is read the last time."""
        one = OpenStream(self._closing)
        self._of.setdefault(session_id, set()).add(one)
        try:
            yield one
        finally:
            others = self._of[session_id]
            others.discard(one)
            if not others:
                del self._of[session_id]

    def _end(self, session_id: UUID) -> None:
        for one in self._of.get(session_id, ()):
            one.end()

    def _listen(self, connection: Any, _: object) -> None:
        """Have PostgreSQL tell of sessions that end, on each new connection."""

        async def listen(driver: Any) -> None:
            await driver.add_listener(CHANNEL, lambda *told: self._end(UUID(told[-1])))

        connection.run_async(listen)

    async def _look(self) -> None:
        """End the streams of sessions that are no more. It also keeps the connection that listens."""
        asked = list(self._of)
        # On a connection that hangs, this would never end, and no session that ended would be heard of.
        with serving():
            known = await self._known(asked)
        for session_id in set(asked) - known:
            self._end(session_id)

    async def _known(self, asked: list[UUID]) -> set[UUID]:
        async with self._database.transaction() as session:
            return await SessionRepository(session).known(asked, self._clock.now())
