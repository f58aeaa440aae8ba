"""Rotation on a schedule, in every process; an advisory lock lets one of them do it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.audit import service as audit
from identity.keys.ring import KeyRing
from identity.settings import Settings
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("keys")

_LOOK_SECONDS = 600.0


async def maintain(session: AsyncSession, ring: KeyRing, clock: Clock, days: int) -> list[str]:
    """One look: missing keys are made, old ones given a successor; returns the new keys' ids."""
    every = timedelta(days=days) if days else None

    def run(sync: Session) -> list[str]:
        made = ring.maintain(sync, clock.now(), every)
        for kid in made:
            audit.record(sync, clock, actor="schedule", action="keys.published", target=kid)
        return made

    return await session.run_sync(run)


@contextlib.asynccontextmanager
async def kept_rotated(
    database: Database, ring: KeyRing, clock: Clock, settings: Settings
) -> AsyncIterator[None]:
    """Look every ten minutes for as long as the context lasts."""

    async def keep() -> None:
        while True:
            # First wait: a database that is being set up gets its keys from `bootstrap`.
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                async with database.transaction() as session:
                    made = await maintain(session, ring, clock, settings.key_rotation_days)
                if made:
                    log.info("keys published", kids=made)
            except Exception:
                # The next look may find the database again; signing goes on with the keys there are.
                log.exception("keys not looked after")

    task = asyncio.create_task(keep(), name="key-rotation")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
