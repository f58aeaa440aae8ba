"""Origins of browser-only clients: their scripts call the protocol endpoints (CORS)."""

import asyncio
import time
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from identity.clients.repository import allowed_origins
from servicekit.cors import RegisteredOrigins
from servicekit.db import Database
from servicekit.outages import serving

SECONDS = 5.0
"""How long another process may go on with outdated origins, and how soon a failed read is repeated."""
PATIENCE = 2.0
"""How long a read may take."""
PATHS: Final = ("/.well-known", "/jwks", "/token", "/userinfo", "/revoke", "/par")
"""What a client in a browser calls; neither the REST API nor what only confidential clients use."""
MOST: Final = 20_000
_log = structlog.get_logger("identity.clients")


class Origins:
    """The origins of all active clients, read at most once in `SECONDS`, however many are made up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: frozenset[str] = frozenset()
        self._read_at: float | None = None
        self._changes = 0
        self._reading = asyncio.Lock()
        self._ready = False

    async def has(self, origin: str) -> bool:
        """Return whether an active client has registered the origin.

        While one request reads, others go on with what is known; only the very first read they wait for.
        """
        if self._outdated() and not (self._ready and self._reading.locked()):
            async with self._reading:
                if self._outdated():
                    await self._read()
        return origin in self._known

    def forget(self) -> None:
        """Read again when somebody asks: a client has changed."""
        self._read_at = None
        self._changes += 1

    def registered(self) -> RegisteredOrigins:
        """Return what the service's CORS asks."""
        return RegisteredOrigins(self.has, PATHS)

    def _outdated(self) -> bool:
        return self._read_at is None or time.monotonic() - self._read_at >= SECONDS

    async def _read(self) -> None:
        begun, changes = time.monotonic(), self._changes
        try:
            # CORS comes before the middleware that limits the statements of requests.
            with serving():
                async with asyncio.timeout(PATIENCE), self._database.transaction() as session:
                    self._known = frozenset(await allowed_origins(session, MOST))
        except (DBAPIError, NoConnection, TimeoutError) as error:
            # The request itself says so if it needs the database. Meanwhile, what was known counts.
            _log.warning("origins of clients not read", error=type(error).__name__)
            begun = time.monotonic()
        self._ready = True
        if len(self._known) >= MOST:
            _log.warning("more origins of clients than are remembered", most=MOST)
        # What changed while this was read is read again.
        self._read_at = begun if changes == self._changes else None
