"""Counts receipts, in the transaction of each receipt; signatures and reads: `office.receipts.statements`.

A notice has one row of counters for the units below each superior unit, so only siblings that sign in the
same moment wait for each other, and the figures are exact at commit.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.counters.repository import CounterRepository, NoticeScope
from office.counters.rules import group_of
from office.directory.models import Unit


class Counters:
    """Count receipts within one request."""

    def __init__(self, session: AsyncSession) -> None:
        self._counters = CounterRepository(session)

    async def answered(self, notice_id: UUID, unit: Unit) -> None:
        """Count the first answer of a unit for which `is_counted`."""
        await self._counters.add(notice_id, group_of(unit.path), answered=1)

    async def recount(
        self, notice_id: UUID, *, publisher: UUID, publisher_path: str, published_at: datetime
    ) -> None:
        """Count the receipts of a notice again; receipts that arrive meanwhile wait for the commit.

        Necessary after Office has learned of a move later than of receipts given after the move.
        """
        await self._counters.recount(NoticeScope(notice_id, publisher, publisher_path, published_at))

    async def last_hour(self) -> datetime | None:
        """Return the last hour whose receipts have been added up for the curve."""
        return await self._counters.last_hour()

    async def add_hour(self, hour: datetime) -> None:
        """Add up the receipts of the hour that begins at `hour`; again if it was added up before."""
        await self._counters.add_hour(hour)
