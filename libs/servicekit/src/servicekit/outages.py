"""What requests do while the database is stopped, hangs or is out of connections: 503 within seconds.

Nothing on a connection to a hanging server ever ends by itself, and the server cannot end it either. So a
timer of this process closes the connection of a request whose statement, commit or rollback takes too long;
the driver then reports that the connection is lost. Jobs and consumers have no such limit.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

import asyncpg
import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from prometheus_client import Counter
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit.problems import Problem, on_database, response_of

log = structlog.get_logger("database")

LOST = Counter("zhuxue_lane_lost_total", "Calls that ended because the database did not answer", ["reason"])

# SQLSTATE classes: connection exception, insufficient resources, operator intervention.
_UNAVAILABLE: Final = ("08", "53", "57")
_TIMER: Final = "zhuxue.timer"
_serving: ContextVar[bool] = ContextVar("zhuxue_serving", default=False)


class DatabaseBusy(Problem):
    """The database is not reachable, or has not answered in time. What the call was to write may be
    repeated.
    """

    status = 503
    code = "database_busy"
    title = "系统繁忙"
    detail = "系统繁忙，请稍后重试。"
    retry_after = 2


class Waits(NamedTuple):
    """How many seconds to wait for the database; None: without a limit."""

    connect: float = 5.0
    connection: float = 30.0
    """For a free connection of the pool."""
    statement: float | None = None
    """For one statement, commit or rollback of a request."""


def unavailable(error: BaseException) -> bool:
    """Return whether the error means that the database cannot be used now, whatever the statement."""
    if isinstance(error, NoConnection):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or state.startswith(_UNAVAILABLE)


async def on_database_error(request: Request, error: Exception) -> JSONResponse:
    """Return `DatabaseBusy` and log one line if the database is unavailable."""
    if not unavailable(error):
        return await on_database(request, error)
    cause = getattr(error, "orig", None)
    reason = getattr(cause, "__cause__", None) or cause or error
    log.warning(
        "database unavailable",
        method=request.method,
        route=getattr(request.scope.get("route"), "path", "-"),
        error=type(reason).__name__,
    )
    return response_of(DatabaseBusy())


async def connect(*arguments: Any, **options: Any) -> Any:
    """Open a connection; a refused or slow one is an error of the driver too.

    So is that none of several servers can be written to, before a standby has taken over from the primary.
    """
    try:
        return await asyncpg.connect(*arguments, **options)
    except (OSError, asyncpg.TargetServerAttributeNotMatched) as error:
        raise asyncpg.ClientCannotConnectError(type(error).__name__) from error


@contextmanager
def serving() -> Iterator[None]:
    """Limit the statements of this task while it answers a request."""
    token = _serving.set(True)
    try:
        yield
    finally:
        _serving.reset(token)


class ServingMiddleware:
    """Limits the statements of requests."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with serving():
            await self.app(scope, receive, send)


def limit_statements(engine: AsyncEngine, seconds: float) -> None:
    """Close connections of requests on which a statement, commit or rollback takes longer than `seconds`."""

    def started(connection: Connection, *_: object) -> None:
        if not _serving.get() or connection.invalidated:
            return
        _stop(connection.info)
        driver = connection.connection.driver_connection
        connection.info[_TIMER] = asyncio.get_running_loop().call_later(seconds, _lose, driver)

    def ended(connection: Connection, *_: object) -> None:
        _stop(connection.info)

    def returned(_: object, record: Any) -> None:
        _stop(record.info)

    sync = engine.sync_engine
    event.listen(sync, "before_cursor_execute", started)
    event.listen(sync, "after_cursor_execute", ended)
    # These come before, and the connection goes back to the pool after.
    event.listen(sync, "commit", started)
    event.listen(sync, "rollback", started)
    event.listen(sync.pool, "checkin", returned)


def _lose(driver: Any) -> None:
    LOST.labels("timeout").inc()
    driver.terminate()


def _stop(info: dict[Any, Any]) -> None:
    timer = info.pop(_TIMER, None)
    if timer is not None:
        timer.cancel()
