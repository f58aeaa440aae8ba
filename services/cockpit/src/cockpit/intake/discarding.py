"""The end of loads that do not count: their facts are deleted, now or by the sweep."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from servicekit.problems import Problem

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

    @asynccontextmanager
    async def beginning(self, load_id: UUID) -> AsyncIterator[None]:
        """Remember that an attempt has ended whose beginning is lost with the database.

        It may have been committed all the same. A refusal (4xx) comes before that.
        """
        try:
            yield
        except (Exception, asyncio.CancelledError) as error:
            if not isinstance(error, Problem) or error.status >= 500:
                self._ended.append(load_id)
            raise

    def interrupted(self, batch: Batch) -> None:
        """Remember that an attempt was cancelled: nothing more can be recorded then."""
        self._ended.append(batch.load_id)

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
