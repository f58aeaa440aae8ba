"""Withdrawal of batches, each in several transactions: its reversing facts count after they are written."""

from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells.building import CellBuilder
from cockpit.intake.errors import BatchInProgress, BatchNotFound
from cockpit.intake.facts import FactWriter
from cockpit.intake.identities import STRIPES
from cockpit.intake.models import Batch
from cockpit.intake.record_repository import RecordRepository
from cockpit.intake.repository import BatchRepository
from cockpit.intake.turns import kept_alive
from contracts.intake import BatchStatus
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id


class SucceededBy(Exception):
    """Another batch, which counts, has changed records of this one."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(str(batch.id))
        self.batch = batch


class Reversals:
    """Reverse batches. One serves the whole process; its methods open their own transactions."""

    def __init__(self, database: Database, facts: FactWriter, cells: CellBuilder, clock: Clock) -> None:
        self._database = database
        self._facts = facts
        self._cells = cells
        self._clock = clock

    async def reverse(self, batch: Batch, sub: str) -> Batch:
        """Write the facts of a batch that counts with the opposite sign, and let them count.

        Raises `BatchNotFound`, `BatchInProgress`, `BatchNotReversible`, `SucceededBy`, `ReversalIncomplete`.
        """
        async with self._database.transaction() as session:
            await self._check_last(session, batch.id)
        # Discarded until it counts: if this request ends early, the sweep deletes the written facts.
        load_id = new_id()
        async with self._database.transaction() as session:
            await BatchRepository(session).discard(batch.feed, load_id, self._clock.now())
        async with kept_alive(partial(self._keep, load_id)):
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
                stripes = range(STRIPES) if current.stripes is None else current.stripes
                await RecordRepository(session).advance(current.feed, stripes)
                await self._check_last(session, current.id)
                current.reverse(load_id, sub, self._clock.now())
                await self._cells.within(session).apply(deltas)
        return current

    async def _check_last(self, session: AsyncSession, batch_id: UUID) -> None:
        later = await RecordRepository(session).successor(batch_id)
        if later is not None:
            raise SucceededBy(later)

    async def _keep(self, load_id: UUID) -> None:
        """Keep the facts from the sweep."""
        async with self._database.transaction() as session:
            await BatchRepository(session).keep_discarded(load_id, self._clock.now())
