"""Scheduled rotation of the signing keys."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.audit.service import AuditLog
from identity.keys.ring import KeyRing
from identity.settings import Settings
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("keys")


async def maintain(session: AsyncSession, ring: KeyRing, clock: Clock, days: int) -> list[str]:
    """Create missing keys and rotate old ones. Return the ids of the new keys."""
    every = timedelta(days=days) if days else None

    def run(sync: Session) -> list[str]:
        made, audit = ring.maintain(sync, clock.now(), every), AuditLog(sync, clock)
        for kid in made:
            audit.record(actor="schedule", action="keys.published", target=kid)
        return made

    return await session.run_sync(run)


def task(database: Database, ring: KeyRing, clock: Clock, settings: Settings) -> Periodic:
    """Return the periodic task, which runs every ten minutes. The first run is delayed, because `bootstrap`
    creates the keys of a new database.
    """

    async def run() -> None:
        async with database.transaction() as session:
            made = await maintain(session, ring, clock, settings.key_rotation_days)
        if made:
            log.info("keys published", kids=made)

    return Periodic("identity.keys", run, every=timedelta(minutes=10))
