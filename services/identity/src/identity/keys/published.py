"""The published keys in this process's memory, so that `/jwks` needs no database to answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from servicekit.outages import serving

log = structlog.get_logger("keys")

_PATIENCE_SECONDS = 1.0


class PublishedKeys:
    """The JWKS as it was last read. It is read anew for each call, unless the database does not answer."""

    def __init__(self, read: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """`read` reads the keys from the database."""
        self._read = read
        self._last: dict[str, Any] | None = None
        self._reading: asyncio.Task[dict[str, Any]] | None = None
        self._began = 0.0

    async def get(self) -> dict[str, Any]:
        """Return the keys. Raises the error of the database if they have never been read."""
        loop = asyncio.get_running_loop()
        if self._reading is None:
            self._began = loop.time()
            self._reading = loop.create_task(self._refresh())
            self._reading.add_done_callback(self._ended)
        reading = self._reading
        if self._last is None:
            return await asyncio.shield(reading)
        # Whoever comes while the database hangs does not wait again.
        left = self._began + _PATIENCE_SECONDS - loop.time()
        if left > 0:
            await asyncio.wait({reading}, timeout=left)
        return self._last

    async def _refresh(self) -> dict[str, Any]:
        # Also beside requests: what waits without end would keep all later calls from reading.
        with serving():
            self._last = await self._read()
        return self._last

    def _ended(self, reading: asyncio.Task[dict[str, Any]]) -> None:
        self._reading = None
        error = None if reading.cancelled() else reading.exception()
        if error is not None:
            log.warning("keys not read", error=type(error).__name__)
