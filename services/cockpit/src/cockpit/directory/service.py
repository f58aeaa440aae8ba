"""Units for the other features."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import FormerPlace, Unit
from cockpit.directory.past import Past, past_of
from cockpit.directory.repository import UnitRepository
from contracts.vocabulary import UnitStatus


@dataclass
class Lookups:
    """What has been looked up: an answer made from it holds until one of these units changes."""

    ids: set[UUID] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    parents: set[UUID] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)


class Units:
    """Read the replica of the units."""

    def __init__(self, session: AsyncSession) -> None:
        self._units = UnitRepository(session)
        self.lookups = Lookups()

    async def find(self, unit_id: UUID) -> Unit | None:
        """Return the unit, or None."""
        self.lookups.ids.add(unit_id)
        return await self._units.get(unit_id)

    async def by_codes(self, codes: Collection[str]) -> dict[str, Unit]:
        """Return the units with these codes, by code; of several units with one code, the active one."""
        self.lookups.codes.update(codes)
        found = await self._units.by_codes(codes)
        return {unit.code: unit for unit in sorted(found, key=lambda unit: unit.status == UnitStatus.ACTIVE)}

    async def levels(self, codes: Collection[str], at: datetime | None) -> dict[str, str]:
        """Return the levels of the units with these codes now, or at a time, by code."""
        units = await self.by_codes(codes)
        levels = {code: unit.level for code, unit in units.items()}
        # Only of those that have changed since then.
        changed = [unit for unit in units.values() if at and unit.placed_at and unit.placed_at > at]
        by_id = {unit.id: unit.code for unit in changed}
        if at is not None and changed:
            for place in await self._units.former_places(by_id):
                if place.valid_from <= at < place.valid_to and place.level is not None:
                    levels[by_id[place.unit_id]] = place.level
        return levels

    async def pasts(self, units: Collection[Unit]) -> dict[str, Past]:
        """Return what units were, by code."""
        former: dict[UUID, list[FormerPlace]] = {}
        for place in await self._units.former_places([unit.id for unit in units]):
            former.setdefault(place.unit_id, []).append(place)
        return {unit.code: past_of(unit, former.get(unit.id, ())) for unit in units}

    async def once_closed(self, codes: Collection[str]) -> dict[str, Past]:
        """Return the pasts of those of some units that are or were closed, by code."""
        return await self.pasts(await self._units.once_closed(codes))

    async def children(self, unit: Unit) -> Sequence[Unit]:
        """Return direct children, including closed ones, whose awards still count."""
        self.lookups.parents.add(unit.id)
        return await self._units.children(unit.id)

    async def some_children(self, unit_id: UUID, limit: int) -> Sequence[Unit]:
        """Return the first `limit` direct children, including closed ones."""
        self.lookups.parents.add(unit_id)
        return await self._units.some_children(unit_id, limit)

    async def any_outside(self, path: str, region: str) -> bool:
        """Return whether a school of a unit lies in another region than this one, or in none."""
        self.lookups.paths.add(path)
        return await self._units.any_outside(path, region)

    async def regions(self, like: str, limit: int) -> dict[str, Unit]:
        """Return the aid offices of regions that match a pattern, by region.

        Two offices share 650000: of these it is the one with the region's own code.
        """
        self.lookups.regions.add(like)
        found: dict[str, Unit] = {}
        for unit in await self._units.aid_offices(like, limit):
            region = unit.region_code or ""
            if region not in found or unit.code == region:
                found[region] = unit
        return found
