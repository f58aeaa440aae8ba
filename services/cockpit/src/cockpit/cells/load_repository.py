"""Queries over the loads that count: in the cells, and known to the store of facts."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, all_, delete, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells.models import CountedLoad, UncountedLoad


class LoadRepository:
    """Read and write which loads count."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, load_id: UUID, feed: str, schools: Collection[str]) -> bool:
        """Record that the cells contain a load about these schools; return False if they did before."""
        made = await self._session.execute(
            upsert(CountedLoad)
            .values(load_id=load_id, feed=feed, schools=sorted(schools))
            .on_conflict_do_nothing()
            .returning(CountedLoad.load_id)
        )
        await self._session.execute(delete(UncountedLoad).where(UncountedLoad.load_id == load_id))
        return made.first() is not None

    async def schools(self, load_id: UUID) -> list[str] | None:
        """Return the codes of the schools of a load, None if a version before added it."""
        return await self._session.scalar(select(CountedLoad.schools).where(CountedLoad.load_id == load_id))

    async def uncounted(
        self, limit: int, after: tuple[datetime, UUID] | None = None
    ) -> list[tuple[datetime, UUID, str]]:
        """Return loads that count and that the cells do not contain, oldest first: since when, id, feed."""
        key = tuple_(UncountedLoad.since, UncountedLoad.load_id)
        statement = select(UncountedLoad.since, UncountedLoad.load_id, UncountedLoad.feed)
        if after is not None:
            statement = statement.where(key > after)
        rows = await self._session.execute(statement.order_by(key).limit(limit))
        return [(row.since, row.load_id, row.feed) for row in rows]

    async def oldest_uncounted(self) -> datetime | None:
        """Return the time since which a load has been missing from the cells, None if none is."""
        return await self._session.scalar(select(UncountedLoad.since).order_by(UncountedLoad.since).limit(1))

    async def unmarked(self, limit: int) -> list[UUID]:
        """Return counted loads that the store of facts does not know to count."""
        found = await self._session.scalars(
            select(CountedLoad.load_id)
            .where(CountedLoad.marked_at.is_(None))
            .order_by(CountedLoad.counted_at)
            .limit(limit)
        )
        return list(found)

    async def mark(self, loads: Collection[UUID]) -> None:
        """Record that the store of facts knows the loads."""
        await self._session.execute(
            update(CountedLoad).where(CountedLoad.load_id.in_(loads)).values(marked_at=func.now())
        )

    async def marks(self) -> tuple[int, int]:
        """Return the number of counted loads, and of those that the store of facts does not know."""
        row = (
            await self._session.execute(
                select(func.count(), func.count().filter(CountedLoad.marked_at.is_(None))).select_from(
                    CountedLoad
                )
            )
        ).one()
        return int(row[0]), int(row[1])

    async def known(self, loads: Collection[UUID]) -> set[UUID]:
        """Return those of some loads that count."""
        found = await self._session.scalars(select(CountedLoad.load_id).where(CountedLoad.load_id.in_(loads)))
        return set(found)

    async def unmark_except(self, loads: Collection[UUID]) -> int:
        """Note that the store of facts knows only these loads; return how many were noted wrongly."""
        wrong = await self._session.execute(
            update(CountedLoad)
            .where(
                CountedLoad.marked_at.is_not(None),
                CountedLoad.load_id != all_(literal(list(loads), ARRAY(Uuid))),
            )
            .values(marked_at=None)
            .returning(CountedLoad.load_id)
        )
        return len(wrong.all())

    async def loads_counted(self) -> int:
        """Return the number of counted loads."""
        return await self._session.scalar(select(func.count()).select_from(CountedLoad)) or 0
