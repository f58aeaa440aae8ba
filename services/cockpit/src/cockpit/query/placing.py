"""Finds the places of a question within the caller's reach: units by authority, regions by territory.

By territory a viewer reaches the region of its unit and the regions in it, with the figures of all schools
there, whoever they belong to (属地统计).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.cells.dimensions import Calendar, Tree
from cockpit.cells.rules import COUNTRY, region_path
from cockpit.cells.service import Ask, Cells
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.feeds.declarations import FeedName
from cockpit.query.errors import NoTerritory, RegionNotFound
from cockpit.query.places import (
    CORPS,
    Mark,
    Place,
    is_region,
    is_territory,
    mark_of,
    region,
    region_within,
)
from contracts.vocabulary import Kind, Level, UnitStatus

CHILDREN = 10_000
"""Direct children of one place, at most; more are not in the country."""
_NOBODY = UUID(int=0)
"""In the record of a refusal: a region without an office."""


class Places:
    """Find the places of a question."""

    def __init__(self, access: Access, units: Units, cells: Cells) -> None:
        self._access = access
        self._units = units
        self._cells = cells

    async def own(
        self, actor: Principal, tree: Tree, unit_id: UUID | None, region_code: str | None, action: str
    ) -> Place:
        """Return the place asked for; without one, that of the caller.

        Raises `UnitNotFound`, `UnitOutOfReach`, `UnitNotReplicated`, `RegionNotFound`, `NoTerritory`.
        """
        if tree is Tree.AUTHORITY:
            return _unit(await self._access.unit(actor, unit_id, action))
        return await self._region(actor, region_code, action)

    async def children(self, tree: Tree, own: Place) -> tuple[Place, ...]:
        """Return the places directly below one: active units, or regions that have an office."""
        if tree is Tree.AUTHORITY:
            assert own.unit_id is not None
            units = await self._units.some_children(own.unit_id, CHILDREN)
            return tuple(
                _unit(unit)
                for unit in units
                if unit.status == UnitStatus.ACTIVE and unit.kind != Kind.NUTRITION
            )
        digits = {Level.MINISTRY: "__0000", Level.PROVINCE: f"{own.code[:2]}____"}
        like = digits.get(Level(own.level), f"{own.code[:4]}__")
        found = await self._units.regions(like, CHILDREN)
        path = region_path(own.code)
        return tuple(
            region(code, unit.short_name, unit.id)
            for code, unit in found.items()
            if region_path(code).rpartition(".")[0] == path
        )

    async def others(
        self,
        tree: Tree,
        calendar: Calendar,
        own: Place,
        known: Iterable[Place],
        feeds: Iterable[FeedName],
        periods: Sequence[str],
    ) -> tuple[Place, ...]:
        """Return the places with figures below one that are not known there: they have moved or closed."""
        asks = [Ask(feed, tree, calendar, [own.code], periods, below=True) for feed in feeds]
        rows = [row for found in await self._cells.ask(asks) for row in found]
        missing = sorted({row.code for row in rows} - {place.code for place in known})
        if tree is Tree.TERRITORY:
            return tuple(region(code, code) for code in missing)
        units = await self._units.by_codes(missing) if missing else {}
        return tuple(
            replace(_unit(units[code]), unit_id=None, mark=Mark.MOVED)
            if code in units
            else Place(code, code, Level.SCHOOL, mark=Mark.MOVED)
            for code in missing
        )

    async def trail(self, actor: Principal, tree: Tree, own: Place) -> tuple[Place, ...]:
        """Return the places above one that the caller reaches, from the top."""
        if tree is Tree.TERRITORY:
            mine = await self._own_region(actor)
            above = region_path(own.code).split(".")[:-1]
            within = [code for code in above if region_within(code, mine)]
            found = {COUNTRY: region(COUNTRY, "全国")}
            for code in within:
                office = (await self._units.regions(code, 10)).get(code)
                if office is not None:
                    found[code] = region(code, office.short_name, office.id)
            return tuple(found[code] for code in within if code in found)
        assert own.unit_id is not None
        unit = await self._units.find(own.unit_id)
        labels = [] if unit is None else unit.path.split(".")[:-1]
        units = await self._units.by_codes(labels) if labels else {}
        return tuple(
            _unit(units[code]) for code in labels if code in units and actor.reaches(units[code].path)
        )

    async def _region(self, actor: Principal, code: str | None, action: str) -> Place:
        mine = await self._own_region(actor)
        code = mine if code is None else code
        if not is_region(code):
            raise RegionNotFound
        office = (await self._units.regions(code, 10)).get(code)
        if not region_within(code, mine):
            self._access.refuse(actor, office.id if office else _NOBODY, region_path(code), action)
        if code == COUNTRY:
            return region(code, "全国")
        if office is None:
            raise RegionNotFound
        return region(code, office.short_name, office.id)

    async def _own_region(self, actor: Principal) -> str:
        """Return the region whose figures are the caller's to see.

        A unit may lie in its region without being the office of it: a development zone may have the code of
        its city, and whoever creates a unit chooses its region.
        """
        own = await self._access.own(actor)
        if own.level == Level.MINISTRY:
            return COUNTRY
        above = await self._units.by_codes(own.path.split(".")[:-1])
        regions = [unit.region_code for unit in above.values() if unit.level != Level.MINISTRY]
        if (
            own.region_code is None
            or own.code == CORPS
            or not is_territory(own.region_code, own.level, regions)
        ):
            raise NoTerritory
        return own.region_code


def _unit(unit: Unit) -> Place:
    return Place(unit.code, unit.name, unit.level, unit.id, unit.region_code, mark_of(unit.code, unit.level))
