"""Applies the deadlines of requests to join, in small transactions."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.service import AuditLog
from identity.joining.deadlines import Deadlines
from identity.memberships.administrators import Administrators
from identity.units.service import Units
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from workdays import published_calendar

BATCH = 100


def _deadlines(session: AsyncSession, clock: Clock) -> Deadlines:
    audit = AuditLog(session, clock)
    units = Units(session, clock, audit)
    return Deadlines(session, clock, published_calendar(), units, Administrators(session), audit)


async def settle(database: Database, clock: Clock) -> None:
    """Compute provisional deadlines again; a batch in each transaction."""
    after: UUID | None = None
    more = True
    while more:
        async with database.transaction() as session:
            after = await _deadlines(session, clock).settle(after, BATCH)
        more = after is not None


async def apply(database: Database, clock: Clock) -> None:
    """Settle deadlines, then expire and escalate all requests that are due; a batch in each transaction."""
    await settle(database, clock)
    count = BATCH
    while count == BATCH:
        async with database.transaction() as session:
            count = await _deadlines(session, clock).expire(BATCH)
    count = BATCH
    while count == BATCH:
        async with database.transaction() as session:
            count = await _deadlines(session, clock).escalate(BATCH)


def task(database: Database, clock: Clock) -> Periodic:
    """Return `apply` as a periodic task."""

    async def run() -> None:
        await apply(database, clock)

    return Periodic("joining.deadlines", run, every=timedelta(minutes=15))
