"""The queue of what has changed since it was indexed, and the loop that works it off.

Triggers of the database insert in the transaction of the change, whoever makes it: a request, an event, a
load by COPY. Each process looks into the queue once a second and indexes in batches, one process at a time.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from servicekit.background import repeated
from servicekit.db import Database

BATCH: Final = 500
_LOCK: Final = 0x5A58_5345_4152


class QueueColumns:
    """People and units that have changed since they were indexed; triggers insert, the indexer deletes."""

    __tablename__ = "search_queue"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(Text)
    """`person` or `unit`."""
    id: Mapped[UUID]


async def take(session: AsyncSession, queue: type[QueueColumns], limit: int) -> list[tuple[str, UUID]]:
    """Remove the oldest entries of the queue and return them; none while another process indexes.

    One process at a time, so that an older state never replaces a newer one.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
        return []
    oldest = select(queue.seq).order_by(queue.seq).limit(limit)
    found = await session.execute(
        delete(queue)
        .where(queue.seq.in_(oldest))
        .returning(queue.kind, queue.id)
        .execution_options(synchronize_session=False)
    )
    return list(dict.fromkeys((row.kind, row.id) for row in found))


async def waiting(session: AsyncSession, queue: type[QueueColumns]) -> bool:
    """Return whether the queue has entries."""
    return await session.scalar(select(queue.seq).limit(1)) is not None


class Indexer(ABC):
    """Indexes what is queued."""

    queue: type[QueueColumns]

    def __init__(self, database: Database, *, poll_seconds: float = 1.0) -> None:
        self._database = database
        self._poll = poll_seconds

    @abstractmethod
    async def index(self, session: AsyncSession, units: Sequence[UUID], people: Sequence[UUID]) -> None:
        """Write what these units and people are found by; remove those that are not to be found."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Index in the background while the context is active."""
        async with repeated("search", self._round, every=self._poll):
            yield

    async def caught_up(self) -> None:
        """Return when the queue is empty."""
        while True:
            await self.index_batch()
            async with self._database.transaction() as session:
                if not await waiting(session, self.queue):
                    return

    async def index_batch(self) -> int:
        """Index a batch in one transaction. Return the number of people and units in it."""
        async with self._database.transaction() as session:
            taken = await take(session, self.queue, BATCH)
            if taken:
                units = [row_id for kind, row_id in taken if kind == "unit"]
                await self.index(session, units, [row_id for kind, row_id in taken if kind == "person"])
        return len(taken)

    async def _round(self) -> float | None:
        return 0.0 if await self.index_batch() else None
