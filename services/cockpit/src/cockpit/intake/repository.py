"""Queries over batches and quarantined rows; list queries are limited to the caller's reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.intake.models import Batch, DiscardedLoad, QuarantinedRow
from contracts.intake import BatchStatus
from servicekit.lists import Listed, Order, listed
from servicekit.ltree import under
from servicekit.paging import PageRequest, instant

_NEWEST = Order((Batch.created_at, Batch.id), (instant, UUID), descending=True)

# Rows of earlier releases have one error only.
_REASONS = text(
    """
    SELECT e.code, count(DISTINCT q.line) AS rows
    FROM quarantined_rows q
    CROSS JOIN LATERAL (
        SELECT jsonb_array_elements(q.errors) ->> 'code' AS code
        UNION SELECT q.code WHERE q.errors IS NULL
    ) e
    WHERE q.batch_id = :batch_id
    GROUP BY e.code ORDER BY rows DESC, e.code
    """
)


@dataclass(frozen=True)
class BatchFilter:
    """Which batches are wanted; None is no filter."""

    feed: str | None = None
    status: BatchStatus | None = None
    batch_id: UUID | None = None
    """As the sender named it."""
    source: str | None = None
    """A part of the source."""


class BatchRepository:
    """Read and write batches."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def claim(self, values: dict[str, Any]) -> bool:
        """Insert a batch unless its id or key exists; return whether it was inserted."""
        made = await self._session.execute(
            upsert(Batch).values(values).on_conflict_do_nothing().returning(Batch.id)
        )
        return made.first() is not None

    async def locked(self, batch_id: UUID) -> Batch | None:
        """Return the batch, locked until the transaction ends.

        A batch that corrects this one may refer to it meanwhile: its commit holds the records, for which a
        withdrawal of this one waits with this lock.
        """
        return await self._session.get(
            Batch, batch_id, with_for_update={"key_share": True}, populate_existing=True
        )

    async def receiving(self) -> tuple[int, datetime | None]:
        """Return how many batches are being taken in, and since when the oldest."""
        found = await self._session.execute(
            select(func.count(), func.min(Batch.created_at)).where(Batch.status == BatchStatus.RECEIVING)
        )
        count, oldest = found.one()
        return count, oldest

    async def newest_commit(self) -> datetime | None:
        """Return when the newest batch was committed."""
        # It is committed soon after it was created, so the index by creation finds it.
        return await self._session.scalar(
            select(Batch.committed_at)
            .where(Batch.committed_at.is_not(None))
            .order_by(Batch.created_at.desc(), Batch.id.desc())
            .limit(1)
        )

    async def locked_by_batch_id(self, unit_id: UUID, batch_id: UUID) -> Batch | None:
        """Return the batch of a caller's id, locked until the transaction ends."""
        return await self._session.scalar(
            select(Batch)
            .where(Batch.unit_id == unit_id, Batch.batch_id == batch_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def locked_by_key(self, unit_id: UUID, key: str) -> Batch | None:
        """Return the batch of a caller's key, locked until the transaction ends."""
        return await self._session.scalar(
            select(Batch)
            .where(Batch.unit_id == unit_id, Batch.client_key == key)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def twin(self, batch: Batch, sha256: bytes) -> UUID | None:
        """Return another batch of the same unit and feed in which the file with this hash already counts.

        Locks the file's hash until the transaction ends, so that of two concurrent commits the second sees
        the first.
        """
        name = f"{batch.unit_id}/{batch.feed}/{sha256.hex()}"
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
        return await self._session.scalar(
            select(Batch.id)
            .where(
                Batch.unit_id == batch.unit_id,
                Batch.feed == batch.feed,
                Batch.sha256 == sha256,
                Batch.status == BatchStatus.COMMITTED,
                Batch.id != batch.id,
            )
            .limit(1)
        )

    async def get(self, batch_id: UUID) -> tuple[Batch, Unit | None] | None:
        """Return the batch and its unit."""
        rows = await self._session.execute(
            select(Batch, Unit).outerjoin(Unit, Unit.id == Batch.unit_id).where(Batch.id == batch_id)
        )
        row = rows.one_or_none()
        return None if row is None else (row[0], row[1])

    async def below(self, path: str, wanted: BatchFilter, paging: PageRequest) -> Listed[tuple[Batch, Unit]]:
        """Return batches of the units that are now in the subtree at `path`, newest first."""
        statement = select(Batch, Unit).join(Unit, Unit.id == Batch.unit_id).where(under(Unit.path, path))
        if wanted.feed is not None:
            statement = statement.where(Batch.feed == wanted.feed)
        if wanted.status is not None:
            statement = statement.where(Batch.status == wanted.status)
        if wanted.batch_id is not None:
            statement = statement.where(Batch.batch_id == wanted.batch_id)
        if wanted.source is not None:
            statement = statement.where(Batch.source.icontains(wanted.source, autoescape=True))
        return await listed(self._session, statement, _NEWEST, paging)

    async def stale(self, before: datetime, limit: int) -> Sequence[Batch]:
        """Lock and return unfinished batches without a sign of life since `before`; skip locked ones."""
        return (
            await self._session.scalars(
                select(Batch)
                .where(Batch.status == BatchStatus.RECEIVING, Batch.touched_at <= before)
                .order_by(Batch.touched_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        ).all()

    async def counting(self, after: UUID, limit: int) -> Sequence[Batch]:
        """Return the batches whose facts count, and those that their reversals take back, in the order of ids
        after one.
        """
        statuses = (BatchStatus.COMMITTED, BatchStatus.REVERSED)
        rows = select(Batch).where(Batch.status.in_(statuses), Batch.id > after).order_by(Batch.id)
        return (await self._session.scalars(rows.limit(limit))).all()

    async def discard(self, feed: str, load_id: UUID, now: datetime) -> None:
        """Schedule the facts of a load for deletion."""
        await self._session.execute(
            upsert(DiscardedLoad)
            .values(load_id=load_id, feed=feed, discarded_at=now)
            .on_conflict_do_nothing()
        )

    async def claim_discarded(self, before: datetime, limit: int) -> Sequence[DiscardedLoad]:
        """Return loads discarded before a time whose facts may still exist; from now on they cannot count."""
        found = (
            await self._session.scalars(
                select(DiscardedLoad)
                .where(DiscardedLoad.discarded_at <= before)
                .order_by(DiscardedLoad.discarded_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        ).all()
        for load in found:
            load.deleting = True
        return found

    async def keep_discarded(self, load_id: UUID, now: datetime) -> None:
        """Record a sign of life of a reversal, which makes its load count in the end."""
        await self._session.execute(
            update(DiscardedLoad).where(DiscardedLoad.load_id == load_id).values(discarded_at=now)
        )

    async def withdraw_discard(self, load_id: UUID) -> bool:
        """Let a load count after all; return False if its facts are being deleted, or are gone."""
        gone = await self._session.execute(
            delete(DiscardedLoad)
            .where(DiscardedLoad.load_id == load_id, ~DiscardedLoad.deleting)
            .returning(DiscardedLoad.load_id)
        )
        return gone.first() is not None

    async def forget_discarded(self, load_id: UUID) -> None:
        """Delete the discard of a load whose facts are gone."""
        await self._session.execute(delete(DiscardedLoad).where(DiscardedLoad.load_id == load_id))

    async def quarantine(self, rows: Sequence[dict[str, Any]]) -> None:
        """Store rejected rows."""
        await self._session.execute(insert(QuarantinedRow), rows)

    async def forget_quarantine(self, batch_id: UUID) -> None:
        """Delete the rows stored by an earlier attempt."""
        await self._session.execute(delete(QuarantinedRow).where(QuarantinedRow.batch_id == batch_id))

    async def quarantined(self, batch_id: UUID, after_line: int, limit: int) -> Sequence[QuarantinedRow]:
        """Return quarantined rows, ordered by line."""
        return (
            await self._session.scalars(
                select(QuarantinedRow)
                .where(QuarantinedRow.batch_id == batch_id, QuarantinedRow.line > after_line)
                .order_by(QuarantinedRow.line)
                .limit(limit)
            )
        ).all()

    async def reasons(self, batch_id: UUID) -> dict[str, int]:
        """Return the number of quarantined rows by code; a row with several errors counts for each."""
        rows = await self._session.execute(_REASONS, {"batch_id": batch_id})
        return {row[0]: row[1] for row in rows}
