"""The end of loads that do not count: their facts are deleted, now or by the sweep."""

from collections import deque
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from cockpit.intake.facts import FactWriter
from cockpit.intake.models import Batch
from cockpit.intake.repository import BatchRepository
from contracts.intake import BatchStatus
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("intake")

_REMEMBERED: Final = 1000
"""Attempts that ended while the database was out. Of more than these, the sweep takes care."""


class Discards:
    """Discard loads, each in transactions of its own."""

    def __init__(self, database: Database, facts: FactWriter, clock: Clock) -> None:
        self._database = database
        self._facts = facts
        self._clock = clock
        self._ended: deque[UUID] = deque(maxlen=_REMEMBERED)

    def ended(self, load_id: UUID) -> bool:
        """Return whether an attempt has ended in this process although that could not be recorded."""
        return load_id in self._ended

    async def give_up(self, batch: Batch, reason: str) -> None:
        """End an attempt, unless it counts or another has taken its place. Never raises."""
        try:
            async with self._database.transaction() as session:
                batches = BatchRepository(session)
                current = await batches.locked(batch.id)
                ours = current is not None and current.load_id == batch.load_id
                if current is not None and ours and current.status is BatchStatus.RECEIVING:
                    await self.discard(batches, current, reason, self._clock.now())
                elif current is not None and ours and current.status is not BatchStatus.FAILED:
                    # The commit succeeded but its response was lost: the facts count.
                    log.warning("batch committed all the same", batch=str(batch.id))
                    return
                else:
                    # For a superseded attempt, delete only its facts.
                    await batches.discard(batch.feed, batch.load_id, self._clock.now())
            await self.delete(batch.feed, batch.load_id)
        except Exception:
            # The next sweep, or another attempt, ends it; its facts do not count until then.
            self._ended.append(batch.load_id)
            log.warning("batch not given up", batch=str(batch.id), exc_info=True)

    async def discard(self, batches: BatchRepository, batch: Batch, reason: str, now: datetime) -> None:
        """Mark a batch as failed and its load for deletion."""
        batch.fail(reason)
        await batches.discard(batch.feed, batch.load_id, now)
        await batches.forget_quarantine(batch.id)

    async def stay(self, load_id: UUID) -> None:
        """Keep the facts of a discarded load that is still compared from the sweep."""
        async with self._database.transaction() as session:
            await BatchRepository(session).keep_discarded(load_id, self._clock.now())

    async def drop(self, feed: str, load_id: UUID) -> None:
        """Delete the facts of a discarded load now; the sweep does it if that fails."""
        try:
            await self.delete(feed, load_id)
        except Exception:
            log.warning("discarded facts not deleted", load=str(load_id), exc_info=True)

    async def delete(self, feed: str, load_id: UUID) -> None:
        """Delete the facts of a discarded load."""
        await self._facts.delete(feed, load_id)
        async with self._database.transaction() as session:
            await BatchRepository(session).forget_discarded(load_id)
