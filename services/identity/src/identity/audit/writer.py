"""Writes audit rows for tokens about to be issued, many in one transaction.

Client credentials and a refresh without rotation write nothing else to the database, and a separate
transaction per row would cost more than the rest of the request. The caller awaits `write` and returns the
token only when the row is durable. An extra row for a token that could not be delivered is harmless.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from identity.audit.repository import AuditRepository
from identity.audit.service import values
from servicekit.clock import Clock
from servicekit.lanes import Lanes

_AT_ONCE = 500


class AuditWriter:
    """Writes the rows that were queued while the previous batch was being written.

    Uses a lane of its own, because waiting requests may hold all connections of the service.
    """

    def __init__(self, database_url: str, clock: Clock) -> None:
        self._lanes = Lanes(database_url, lambda _: None, size=1)
        self._clock = clock
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(
        self, *, actor: UUID | str | None, action: str, target: UUID | str | None, **details: Any
    ) -> None:
        """Return once the row is committed. Raises database errors, and `DatabaseBusy`."""
        row = values(self._clock, actor=actor, action=action, target=target, **details)
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        if self._writing is None or self._writing.done():
            # It writes for many requests: it must not have the context of the one that started it.
            context = contextvars.Context()
            self._writing = asyncio.create_task(self._write(), name="audit", context=context)
        await done

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Close the connection on exit."""
        try:
            yield
        finally:
            await self._lanes.close()

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            error: Exception | None = None
            try:
                async with self._lanes.single() as lane:
                    await AuditRepository(lane).insert([row for row, _ in batch])
            except Exception as raised:
                error = raised
            for _, done in batch:
                if done.done():
                    # The caller was cancelled.
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)
