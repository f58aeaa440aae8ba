"""Connections of lanes: the driver's, with what they have prepared."""

import asyncio
from typing import Any, Final

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from servicekit.wire import executed
from servicekit.writes import Held, HoldingLoop

STATEMENT_SECONDS: Final = 5.0
"""How long a statement may take, with waiting for locks."""
_CONNECT_SECONDS: Final = 5.0

# `force_generic_plan` and joins by loops: a lane looks up rows by their keys, whatever the values and however
# small PostgreSQL believes a partition to be that was made today.
_SERVER_SETTINGS: Final = {
    "timezone": "UTC",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_material": "off",
    "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
    "idle_in_transaction_session_timeout": str(int(STATEMENT_SECONDS * 1000)),
}
# The connection is gone, or what it has prepared no longer fits the tables.
GONE: Final = (
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
_BEGIN: Final = "lane_begin"
BEGIN: Final = executed(_BEGIN, ())
"""The messages that begin a transaction."""


class _Record(asyncpg.Record):  # type: ignore[misc] # the driver has no types
    """A row of a lane, which has its columns as attributes, as rows of a session have."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Connection:
    """One connection, and what it has prepared."""

    def __init__(self, driver: Any, begin: Any, commit: Any) -> None:
        self.driver = driver
        self._transport: Held = driver._transport
        self._prepared: dict[str, Any] = {}
        # The driver forgets a statement when nobody holds it.
        self._begin, self._commit = begin, commit

    @classmethod
    async def open(cls, url: str) -> "Connection":
        """Connect, and prepare what begins and ends a transaction."""
        loop = asyncio.get_running_loop()
        driver = await asyncpg.connect(**_connect_options(url), loop=HoldingLoop(loop))
        # It asks for the running task of its loop.
        driver._loop = loop
        try:
            begin = await driver.prepare("BEGIN", name=_BEGIN)
            return cls(driver, begin, await driver.prepare("COMMIT", name="lane_commit"))
        except BaseException:
            driver.terminate()
            raise

    async def prepared(self, sql: str) -> Any:
        """Return the prepared statement."""
        found = self._prepared.get(sql)
        if found is None:
            # Without a name and a cache, the driver would send the text with each call, to be planned again.
            name = f"lane_{len(self._prepared)}"
            found = self._prepared[sql] = await self.driver.prepare(sql, name=name)
        return found

    def send(self, messages: list[bytes]) -> None:
        """Send messages of `servicekit.wire`; the driver's next statement must follow at once."""
        if messages:
            self._transport.hold(b"".join(messages))

    async def end(self) -> None:
        """Commit the transaction."""
        await self._commit.fetch()


def _connect_options(url: str) -> dict[str, Any]:
    _, options = asyncpg_dialect().create_connect_args(make_url(url))  # type: ignore[no-untyped-call]
    return {
        **{name: value for name, value in options.items() if not name.startswith("prepared_")},
        "server_settings": _SERVER_SETTINGS,
        "statement_cache_size": 0,
        "record_class": _Record,
        "timeout": _CONNECT_SECONDS,
        # A server that hangs does not end its statements itself.
        "command_timeout": STATEMENT_SECONDS + 1,
    }
