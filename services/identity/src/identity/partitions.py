"""Which tables are emptied by the day, and when: everything that only matters while somebody is signed in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import structlog

from identity.sessions.rules import LONGEST_RENEWED
from identity.settings import Settings
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.partitions import ByDay, maintain

log = structlog.get_logger("partitions")

_LOOK_SECONDS = 3600.0
_DAY = timedelta(days=1)


def partitioned(settings: Settings) -> list[ByDay]:
    """The tables. Ids of grants and refresh tokens carry the time they expire at, others their making's."""
    session = LONGEST_RENEWED + timedelta(seconds=settings.session_absolute_seconds)
    return [
        ByDay("sessions", "id", keep=session, ids=True),
        # As long as a session: its grants say which clients are to be told of its end.
        ByDay("grants", "id", keep=session, ids=True),
        # A day beyond their minute, so that reuse is noticed.
        ByDay("authorization_codes", "id", keep=_DAY, ids=True),
        ByDay("refresh_tokens", "id", keep=_DAY, ids=True),
        ByDay("device_codes", "id", keep=_DAY, ids=True),
        ByDay("pushed_requests", "id", keep=_DAY, ids=True),
        ByDay("once_only", "expires_at", keep=timedelta(0)),
        # Codes are counted for a day.
        ByDay("sms_codes", "id", keep=_DAY, ids=True),
    ]


async def run_once(settings: Settings, clock: Clock) -> str:
    """Make and drop partitions now; what has changed, a line each."""
    database = Database(settings.database_url, plans="force_custom_plan")
    try:
        changed = await maintain(database, partitioned(settings), clock.now())
    finally:
        await database.close()
    return "".join(f"{name}\n" for name in changed)


@contextlib.asynccontextmanager
async def kept_partitioned(database: Database, settings: Settings, clock: Clock) -> AsyncIterator[None]:
    """Make and drop partitions now, before anything is served, and every hour while the context lasts."""
    await maintain(database, partitioned(settings), clock.now())
    task = asyncio.create_task(_keep(database, settings, clock), name="partitions")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _keep(database: Database, settings: Settings, clock: Clock) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            changed = await maintain(database, partitioned(settings), clock.now())
            if changed:
                log.info("partitions changed", names=changed)
        except Exception:
            log.warning("partitions not maintained", exc_info=True)
