"""Withdrawal of batches, each in several transactions: its reversing facts count after they are written."""

from functools import partial
from uuid import UUID

from cockpit.cells.building import CellBuilder
from cockpit.intake.errors import BatchInProgress, BatchNotFound
from cockpit.intake.facts import FactWriter
from cockpit.intake.models import Batch
from cockpit.intake.repository import BatchRepository
from contracts.intake import BatchStatus
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id


class Reversals:
    """Reverse batches. One serves the whole process; its methods open their own transactions."""

    def __init__(self, database: Database, facts: FactWriter, cells: CellBuilder, clock: Clock) -> None:
        self._database = database
        self._facts = facts
        self._cells = cells
        self._clock = clock

    async def reverse(self, batch: Batch, sub: str) -> Batch:
        """Write the facts of a batch that counts with the opposite sign, and let them count.

        Raises `BatchNotFound`, `BatchInProgress`, `BatchNotReversible`, `ReversalIncomplete`.
        """
        # Discarded until it counts: if this request ends early, the sweep deletes the written facts.
        load_id = new_id()
        async with self._database.transaction() as session:
            await BatchRepository(session).discard(batch.feed, load_id, self._clock.now())
        await self._facts.reverse(batch.feed, batch.load_id, load_id)
        await self._keep(load_id)
        deltas = await self._cells.prepare(
            batch.feed, load_id, partial(self._keep, load_id), reverses=batch.load_id
        )
        async with self._database.transaction() as session:
            batches = BatchRepository(session)
            current = await batches.locked(batch.id)
            if current is None:
                raise BatchNotFound
            if current.status is not BatchStatus.REVERSED:
                if not await batches.withdraw_discard(load_id):
                    raise BatchInProgress
                current.reverse(load_id, sub, self._clock.now())
                await self._cells.within(session).apply(deltas)
        return current

    async def _keep(self, load_id: UUID) -> None:
        """Keep the facts from the sweep."""
        async with self._database.transaction() as session:
            await BatchRepository(session).keep_discarded(load_id, self._clock.now())
