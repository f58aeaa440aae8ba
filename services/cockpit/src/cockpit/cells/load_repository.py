"""Queries over the loads that count: in the cells, and known to the store of facts."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, all_, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells.models import CellLoad

_UNCOUNTED = CellLoad.counted_at.is_(None)


class LoadRepository:
    """Read and write which loads count."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, load_id: UUID, feed: str, schools: Collection[str]) -> bool:
        """Record that the cells contain a load about these schools; return False if they did before."""
        new = upsert(CellLoad).values(
            load_id=load_id, feed=feed, counted_at=func.now(), schools=sorted(schools)
        )
        made = await self._session.execute(
            new.on_conflict_do_update(
                index_elements=[CellLoad.load_id],
                set_={"counted_at": new.excluded.counted_at, "schools": new.excluded.schools},
                where=_UNCOUNTED,
            ).returning(CellLoad.load_id)
        )
        return made.first() is not None

    async def schools(self, load_id: UUID) -> list[str] | None:
        """Return the codes of the schools of a load, None if the cells do not contain it."""
        return await self._session.scalar(select(CellLoad.schools).where(CellLoad.load_id == load_id))

    async def uncounted(
        self, limit: int, after: tuple[datetime, UUID] | None = None
    ) -> list[tuple[datetime, UUID, str]]:
        """Return loads that count and that the cells do not contain, oldest first: since when, id, feed."""
        key = tuple_(CellLoad.since, CellLoad.load_id)
        statement = select(CellLoad.since, CellLoad.load_id, CellLoad.feed).where(_UNCOUNTED)
        if after is not None:
            statement = statement.where(key > after)
        rows = await self._session.execute(statement.order_by(key).limit(limit))
        return [(row.since, row.load_id, row.feed) for row in rows]

    async def oldest_uncounted(self) -> datetime | None:
        """Return the time since which a load has been missing from the cells, None if none is."""
        return await self._session.scalar(
            select(CellLoad.since).where(_UNCOUNTED).order_by(CellLoad.since).limit(1)
        )

    async def unmarked(self, limit: int) -> list[UUID]:
        """Return loads that the store of facts does not know to count."""
        found = await self._session.scalars(
            select(CellLoad.load_id).where(CellLoad.marked_at.is_(None)).order_by(CellLoad.since).limit(limit)
        )
        return list(found)

    async def mark(self, loads: Collection[UUID]) -> None:
        """Record that the store of facts knows the loads."""
        await self._session.execute(
            update(CellLoad).where(CellLoad.load_id.in_(loads)).values(marked_at=func.now())
        )

    async def marks(self) -> tuple[int, int]:
        """Return the number of loads, and of those that the store of facts does not know."""
        row = (
            await self._session.execute(
                select(func.count(), func.count().filter(CellLoad.marked_at.is_(None))).select_from(CellLoad)
            )
        ).one()
        return int(row[0]), int(row[1])

    async def known(self, loads: Collection[UUID]) -> set[UUID]:
        """Return those of some loads that count."""
        found = await self._session.scalars(select(CellLoad.load_id).where(CellLoad.load_id.in_(loads)))
        return set(found)

    async def unmark_except(self, loads: Collection[UUID]) -> int:
        """Note that the store of facts knows only these loads; return how many were noted wrongly."""
        wrong = await self._session.execute(
            update(CellLoad)
            .where(
                CellLoad.marked_at.is_not(None),
                CellLoad.load_id != all_(literal(list(loads), ARRAY(Uuid))),
            )
            .values(marked_at=None)
            .returning(CellLoad.load_id)
        )
        return len(wrong.all())

    async def state(self) -> tuple[int, int]:
        """Return the number of loads, and of those that the cells contain."""
        row = (
            await self._session.execute(
                select(func.count(), func.count(CellLoad.counted_at)).select_from(CellLoad)
            )
        ).one()
        return int(row[0]), int(row[1])
