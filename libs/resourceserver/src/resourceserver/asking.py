"""Asks Identity for revocations while the broker cannot deliver their events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

import structlog

from authkit.revocation import RevocationList
from messaging.bus import Bus
from replica.snapshot import Reader, Snapshot
from servicekit.background import repeated

log = structlog.get_logger("revocations")

SECONDS = 5.0
# `recorded_at` is the start of Identity's transaction, so entries may become visible in another order.
_OVERLAP = timedelta(seconds=30)


class Asking:
    """Adds what Identity has revoked to a process's list, every few seconds while the bus is unreachable."""

    def __init__(
        self, bus: Bus, snapshot: Snapshot, revoked: RevocationList, *, every: float = SECONDS
    ) -> None:
        self._bus = bus
        self._snapshot = snapshot
        self._revoked = revoked
        self._every = every
        self._newest: datetime | None = None
        self._out = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the bus until the context exits."""
        async with (
            self._snapshot.reading() as reader,
            repeated("revocations.asked", partial(self._ask, reader), every=self._every, first=self._every),
        ):
            yield

    async def _ask(self, reader: Reader) -> None:
        if await self._reachable():
            self._out = False
            return
        if not self._out:
            self._out = True
            log.warning("broker unreachable, asking Identity for revocations", every_seconds=self._every)
        since = None if self._newest is None else self._newest - _OVERLAP
        cursor: str | None = None
        while True:
            page = await reader.revocations(cursor, since)
            self._revoked.learn(page.items)
            if page.items:
                self._newest = page.items[-1].recorded_at
            cursor = page.next
            if cursor is None:
                return

    async def _reachable(self) -> bool:
        try:
            await self._bus.check()
        except ConnectionError:
            return False
        return True
