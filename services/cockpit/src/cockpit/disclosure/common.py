"""Reads the tables of persons in both of two cells, and decides which of their rows a viewer is not shown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import combinations

from cockpit.cells.dimensions import Calendar, Dimension, Grouping, Tree
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.rules import combined, plan
from cockpit.cells.service import Ask, CellRow, Cells, together
from cockpit.directory.service import Units
from cockpit.disclosure.overlaps import Row, Split, hidden_rows, with_rest
from cockpit.disclosure.tables import Combination
from cockpit.metrics.expressions import Both, Cell
from cockpit.metrics.offering import parts, reading
from cockpit.metrics.periods import years_before

_Rows = dict[str, dict[Combination, list[CellRow]]]


@dataclass(frozen=True)
class Overlap:
    """Counts of persons in both of two cells: of a period, told apart or limited by some dimensions."""

    leaf: Both
    calendar: Calendar
    period: str
    asked: Grouping

    def coarser(self) -> "Iterator[Overlap]":
        """Yield it, and those that it would give by adding up its values."""
        dimensions = self.asked | ({Dimension.SECTOR} if Dimension.STAGE in self.asked else frozenset())
        for count in range(len(dimensions) + 1):
            for some in combinations(sorted(dimensions), count):
                one = replace(self, asked=frozenset(some))
                if one.kept:
                    yield one

    @property
    def kept(self) -> bool:
        """Return whether offices keep the cells."""
        return all(
            plan(
                CELL_FEEDS[cell.feed].kept(self.calendar, school=False),
                reading(cell, asked, school=False),
                {},
            )
            is not None
            for cell, asked in parts(self.leaf, self.asked)
        )

    def sides(self) -> tuple[tuple[Cell, Grouping, str], tuple[Cell, Grouping, str]]:
        """Return the cells, by what they are told apart, and the period."""
        (one, by), (other, other_by) = parts(self.leaf, self.asked)
        return (one, by, self.period), (other, other_by, years_before(self.period, self.leaf.back))


class CommonPersons:
    """Decides within one request."""

    def __init__(self, cells: Cells, units: Units) -> None:
        self._cells = cells
        self._units = units
        self._hidden: dict[tuple[object, ...], Set[str]] = {}

    async def hidden(self, overlap: Overlap, chain: Sequence[str], aliases: Mapping[str, list[str]]) -> bool:
        """Return whether the counts of the last place of a chain, from the viewer's own down, are hidden.

        They are if they are hidden in the table of a place on the chain, along either tree: who is not shown
        a place is not shown the parts of it.
        """
        for one in overlap.coarser():
            for above, code in zip(("", *chain), chain, strict=False):
                for tree in Tree:
                    for alias in aliases.get(above, [above]):
                        rows = await self._table(one, tree, alias, code)
                        if not rows.isdisjoint(aliases.get(code, [code])):
                            return True
        return False

    async def hides_others(self, overlap: Overlap, code: str, region: str, path: str) -> bool:
        """Return whether a county in charge is not shown the counts of a region.

        It sees those of its own schools, so that those of other schools there follow from the region's.
        """
        if await self._units.any_outside(path, region):
            return True
        for one in overlap.coarser():
            mine = (await self._rows(one, Tree.AUTHORITY, code, below=False)).get(code, {})
            whole = (await self._rows(one, Tree.TERRITORY, region, below=False)).get(region, {})
            for combination, split in whole.items():
                if split.less([mine[combination]] if combination in mine else []).few:
                    return True
        return False

    async def _table(self, overlap: Overlap, tree: Tree, above: str, code: str) -> Set[str]:
        """Return the hidden rows below a place; without one, of the viewer's own place alone."""
        key = overlap, tree, above or f"={code}"
        if key not in self._hidden:
            if above:
                whole = await self._rows(overlap, tree, above, below=False)
                rows = with_rest(await self._rows(overlap, tree, above, below=True), whole.get(above, {}))
            else:
                rows = await self._rows(overlap, tree, code, below=False)
            self._hidden[key] = hidden_rows(rows)
        return self._hidden[key]

    async def _rows(self, overlap: Overlap, tree: Tree, code: str, *, below: bool) -> dict[str, Row]:
        (one, other), *_ = await self._sides(overlap, tree, [code], below=below)
        (_, _, _), (_, other_by, _) = overlap.sides()
        pairs = [
            (place, values, rows, matching)
            for place, of_place in one.items()
            for values, rows in of_place.items()
            if (matching := other.get(place, {}).get(_within(values, other_by)))
        ]
        counts = await self._cells.common(
            [
                (together(row.side for row in rows), together(row.side for row in matching))
                for _, _, rows, matching in pairs
            ]
        )
        places = sorted({place for place, *_ in pairs})
        parts_of = dict(zip(places, await self._sides(overlap, tree, places, below=True), strict=True))
        splits: dict[str, dict[Combination, Split]] = {}
        for (place, values, rows, matching), both in zip(pairs, counts, strict=True):
            split = Split(_persons(rows), _persons(matching), both, (_times(rows), _times(matching)))
            one, other = parts_of[place]
            found = [
                (
                    _persons(one[part].get(values, ())),
                    _persons(other[part].get(_within(values, other_by), ())),
                )
                for part in one.keys() & other.keys()
            ]
            splits.setdefault(place, {})[values] = split.above(sides for sides in found if all(sides))
        return dict(splits)

    async def _sides(
        self, overlap: Overlap, tree: Tree, codes: Sequence[str], *, below: bool
    ) -> list[tuple[_Rows, _Rows]]:
        """Return for each code the cells of both sides, of the place or of those directly below it."""
        found = await self._cells.ask(
            [
                Ask(cell.feed, tree, overlap.calendar, [code], [at], by, dict(cell.only), below=below)
                for code in codes
                for cell, by, at in overlap.sides()
            ]
        )
        sides = [_by_place(rows) for rows in found]
        return list(zip(sides[::2], sides[1::2], strict=True))


def _persons(rows: Iterable[CellRow]) -> int:
    return sum(row.persons for row in rows)


def _times(rows: Iterable[CellRow]) -> int:
    return sum(row.times for row in rows)


def _by_place(rows: Sequence[CellRow]) -> _Rows:
    found: _Rows = {}
    for row in rows:
        found.setdefault(row.code, {}).setdefault(frozenset(combined(row.values)), []).append(row)
    return found


def _within(values: Combination, dimensions: Grouping) -> Combination:
    names = {one.value for one in dimensions}
    return frozenset(pair for pair in values if pair[0] in names)
