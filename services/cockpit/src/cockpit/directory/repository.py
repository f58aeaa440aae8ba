"""Queries over the copy of the units."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit


class UnitRepository:
    """Reads units. Reach is judged by `cockpit.access`, or by the caller for a whole subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, unit_id: UUID) -> Unit | None:
        """The unit, or None."""
        return await self._session.get(Unit, unit_id)

    async def by_codes(self, codes: Collection[str]) -> Sequence[Unit]:
        """The units with these codes; codes that do not exist are left out."""
        return (await self._session.scalars(select(Unit).where(Unit.code.in_(codes)))).all()

    async def children(self, unit_id: UUID) -> Sequence[Unit]:
        """Direct children in the authority tree, closed ones too, in order of code."""
        return (
            await self._session.scalars(select(Unit).where(Unit.parent_id == unit_id).order_by(Unit.code))
        ).all()
