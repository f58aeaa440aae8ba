"""Units for the other features."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.directory.repository import UnitRepository
from contracts.vocabulary import UnitStatus


class Units:
    """Read the replica of the units."""

    def __init__(self, session: AsyncSession) -> None:
        self._units = UnitRepository(session)

    async def find(self, unit_id: UUID) -> Unit | None:
        """Return the unit, or None."""
        return await self._units.get(unit_id)

    async def by_codes(self, codes: Collection[str]) -> dict[str, Unit]:
        """Return the units with these codes, by code; of several units with one code, the active one."""
        found = await self._units.by_codes(codes)
        return {unit.code: unit for unit in sorted(found, key=lambda unit: unit.status == UnitStatus.ACTIVE)}

    async def children(self, unit: Unit) -> Sequence[Unit]:
        """Return direct children, including closed ones, whose awards still count."""
        return await self._units.children(unit.id)

    async def some_children(self, unit_id: UUID, limit: int) -> Sequence[Unit]:
        """Return the first `limit` direct children, including closed ones."""
        return await self._units.some_children(unit_id, limit)

    async def regions(self, like: str, limit: int) -> dict[str, Unit]:
        """Return the aid offices of regions that match a pattern, by region.

        Two offices share 650000: of these it is the one with the region's own code.
        """
        found: dict[str, Unit] = {}
        for unit in await self._units.aid_offices(like, limit):
            region = unit.region_code or ""
            if region not in found or unit.code == region:
                found[region] = unit
        return found
