"""Queries over the versions of records, and over which batch changed records of which."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import SmallInteger, delete, exists, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.intake.models import Batch, BatchSuccession, RecordTurn, RecordVersion
from contracts.intake import BatchStatus
from servicekit.ltree import is_under

RELATED = 100
"""Batches that are shown with one."""


class Family(NamedTuple):
    """The batches that a batch has to do with: those whose records it changed, and those that sent its rows
    again, with their units, of which so many rows count.
    """

    corrects: Sequence[UUID]
    children: Sequence[tuple[Batch, Unit | None]]
    taken: int


NO_FAMILY = Family((), (), 0)


class RecordRepository:
    """Read and write the versions and successions."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def versions(self, feed: str, stripes: Collection[int]) -> dict[int, int]:
        """Return the versions of stripes."""
        rows = await self._session.execute(
            select(RecordVersion.stripe, RecordVersion.version).where(
                RecordVersion.feed == feed, RecordVersion.stripe.in_(stripes)
            )
        )
        found = {row.stripe: row.version for row in rows}
        return {stripe: found.get(stripe, 0) for stripe in stripes}

    async def advance(self, feed: str, stripes: Collection[int]) -> dict[int, int]:
        """Advance the versions of stripes and return what they were.

        Locks each of them until the transaction ends, the lowest first.
        """
        if not stripes:
            return {}
        given = (
            func.unnest(literal(sorted(stripes), ARRAY(SmallInteger))).table_valued("stripe").render_derived()
        )
        ordered = select(literal(feed), given.c.stripe, literal(1)).order_by(given.c.stripe)
        rows = await self._session.execute(
            upsert(RecordVersion)
            .from_select(["feed", "stripe", "version"], ordered)
            .on_conflict_do_update(
                index_elements=[RecordVersion.feed, RecordVersion.stripe],
                set_={"version": RecordVersion.version + 1},
            )
            .returning(RecordVersion.stripe, RecordVersion.version)
        )
        return {row.stripe: row.version - 1 for row in rows}

    async def ask_turn(self, batch_id: UUID, feed: str, now: datetime) -> None:
        """Put a batch behind those that have asked for a turn; who has asked before keeps its place."""
        new = upsert(RecordTurn).values(batch_id=batch_id, feed=feed, asked_at=now, alive_at=now)
        await self._session.execute(
            new.on_conflict_do_update(index_elements=[RecordTurn.batch_id], set_={"alive_at": now})
        )

    async def keep_turn(self, batch_id: UUID, now: datetime) -> None:
        """Record a sign of life."""
        await self._session.execute(
            update(RecordTurn).where(RecordTurn.batch_id == batch_id).values(alive_at=now)
        )

    async def end_turn(self, batch_id: UUID, silent_since: datetime) -> None:
        """Delete the turn of a batch, and those of processes that are gone."""
        await self._session.execute(
            delete(RecordTurn).where((RecordTurn.batch_id == batch_id) | (RecordTurn.alive_at < silent_since))
        )

    async def is_later(self, batch_id: UUID, feed: str, silent_since: datetime) -> bool:
        """Return whether another batch of the feed, which was not silent since then, goes first."""
        own = select(RecordTurn.asked_at).where(RecordTurn.batch_id == batch_id).scalar_subquery()
        other = select(RecordTurn.batch_id).where(
            RecordTurn.feed == feed,
            RecordTurn.batch_id != batch_id,
            RecordTurn.alive_at > silent_since,
            own.is_(None)
            | (tuple_(RecordTurn.asked_at, RecordTurn.batch_id) < tuple_(own, literal(batch_id))),
        )
        return bool(await self._session.scalar(select(exists(other))))

    async def succeed(self, batch_id: UUID, earlier: Collection[UUID]) -> None:
        """Record that a batch has changed records of earlier ones."""
        if earlier:
            await self._session.execute(
                upsert(BatchSuccession).values(
                    [{"batch_id": batch_id, "earlier_id": one} for one in sorted(earlier)]
                )
            )

    async def successor(self, batch_id: UUID) -> Batch | None:
        """Return a batch that has changed records of this one and counts, the newest."""
        return await self._session.scalar(
            select(Batch)
            .join(BatchSuccession, BatchSuccession.batch_id == Batch.id)
            .where(BatchSuccession.earlier_id == batch_id, Batch.status == BatchStatus.COMMITTED)
            .order_by(Batch.committed_at.desc())
            .limit(1)
        )

    async def family(self, batch: Batch) -> Family:
        """Return the family of a batch, as far as every reader of it may see."""
        corrected = await self._session.scalars(
            select(BatchSuccession.earlier_id)
            .where(BatchSuccession.batch_id == batch.id)
            .order_by(BatchSuccession.earlier_id)
            .limit(RELATED)
        )
        children = await self._session.execute(
            select(Batch, Unit)
            .outerjoin(Unit, Unit.id == Batch.unit_id)
            .where(Batch.parent_id == batch.id)
            .order_by(Batch.created_at, Batch.id)
            .limit(RELATED)
        )
        taken = await self._session.scalar(
            select(func.coalesce(func.sum(Batch.accepted), 0)).where(
                Batch.parent_id == batch.id, Batch.status == BatchStatus.COMMITTED
            )
        )
        paths = await self.paths(corrected.all())
        return Family(
            [one for one in sorted(paths) if is_under(paths[one], batch.unit_path)],
            [(row[0], row[1]) for row in children],
            int(taken or 0),
        )

    async def paths(self, ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Return the paths of the units of batches, as they were at intake."""
        rows = await self._session.execute(select(Batch.id, Batch.unit_path).where(Batch.id.in_(ids)))
        return {row.id: row.unit_path for row in rows}
