"""Partitioning of sign-in data by day and of the audit log by month, and retention of the partitions."""

from datetime import timedelta

import structlog

from identity.sessions.rules import LONGEST_RENEWED
from identity.settings import Settings
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.partitions import ByDay, ByMonth, Partitioned, maintain

log = structlog.get_logger("partitions")

_DAY = timedelta(days=1)


def partitioned(settings: Settings) -> list[Partitioned]:
    """Return the partitioned tables. Ids of grants and refresh tokens contain the time of expiry, other ids
    the time of creation.
    """
    session = LONGEST_RENEWED + timedelta(seconds=settings.session_absolute_seconds)
    return [
        ByDay("sessions", "id", keep=session, ids=True),
        # Same as sessions: a session's grants determine the clients to notify of its end.
        ByDay("grants", "id", keep=session, ids=True),
        # One day longer than their lifetime of a minute, to detect reuse.
        ByDay("authorization_codes", "id", keep=_DAY, ids=True),
        ByDay("refresh_tokens", "id", keep=_DAY, ids=True),
        ByDay("device_codes", "id", keep=_DAY, ids=True),
        ByDay("pushed_requests", "id", keep=_DAY, ids=True),
        ByDay("once_only", "expires_at", keep=timedelta(0)),
        ByDay("sms_codes", "id", keep=_DAY, ids=True),
        # Delivery of notices is retried for a day.
        ByDay("sms_messages", "id", keep=_DAY, ids=True),
        ByMonth("real_name_checks", "id", keep=2 * timedelta(days=365), ids=True),
        ByMonth("sign_ins", "id", keep=timedelta(days=settings.sign_in_days), ids=True),
        # Archived and dropped by operators.
        ByMonth("audit_log", "id", keep=None, ids=True, append_only=True),
    ]


async def run_once(settings: Settings, clock: Clock) -> str:
    """Create and drop partitions now. Return the changes, one per line."""
    database = Database(settings.database_url, plans="force_custom_plan")
    try:
        changed = await maintain(database, partitioned(settings), clock.now())
    finally:
        await database.close()
    return "".join(f"{name}\n" for name in changed)


def task(database: Database, settings: Settings, clock: Clock) -> Periodic:
    """Return the hourly maintenance task."""

    async def run() -> None:
        changed = await maintain(database, partitioned(settings), clock.now())
        if changed:
            log.info("partitions changed", names=changed)

    return Periodic("identity.partitions", run, every=timedelta(hours=1))
