"""Which cells a fact belongs to, and which cells answer a question. Pure functions.

A cell has the figures of one place of a tree in one period, for all facts or for those with some values of
some dimensions (a combination). The facts of a load are first summed to `Sum`s, and each sum is added to the
cells of every place on its two paths: the unit's authority path and its territory, as both were at intake.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from cockpit.cells.counters import Counter
from cockpit.cells.dimensions import (
    SECTOR_OF,
    Calendar,
    CellFeed,
    Combination,
    Dimension,
    Grouping,
    Sector,
    Tree,
    grouping,
    name_of,
)

__all__ = [
    "COUNTRY",
    "SECTOR_OF",
    "Calendar",
    "CellFeed",
    "Combination",
    "Delta",
    "Dimension",
    "Grouping",
    "Key",
    "Sector",
    "Sum",
    "Tree",
    "changes_of",
    "code_of",
    "grouping",
    "name_of",
    "region_path",
]

COUNTRY = "000000"
"""The region above the provinces. Facts of units without a region belong to no other."""
MUNICIPALITIES = ("11", "12", "31", "50")
"""直辖市: their districts lie directly below them."""
_DIRECT = "90"
"""省直辖县级行政区划: counties directly below a province (`429004`, `659001`)."""


class Key(NamedTuple):
    """A cell: place in a tree, calendar and period, and the values that it is for."""

    tree: Tree
    path: str
    calendar: Calendar
    period: str
    values: Combination = ()


class CellKey(NamedTuple):
    """A cell by the numbers of its place and combination. Sorted, these are the order in which cells are
    locked: `rank` is less the deeper the place, and the cells that all batches share come last.
    """

    rank: int
    node: int
    combination: int
    calendar: str
    period: str


def rank_of(path: str) -> int:
    """Return the rank of a place: the root has 0."""
    return -path.count(".")


@dataclass(frozen=True)
class Sum:
    """The facts of a load that differ in nothing but the person and what no cell tells apart."""

    path: str
    region: str
    periods: Mapping[Calendar, str]
    values: Mapping[Dimension, str]
    amount: Decimal
    times: int
    weight: Decimal
    persons: Mapping[int, Counter]


@dataclass(slots=True)
class Delta:
    """What a load changes in a cell: yuan, facts less reversals, weight, counters of persons by block."""

    amount: Decimal = Decimal(0)
    times: int = 0
    weight: Decimal = Decimal(0)
    persons: dict[int, Counter] = field(default_factory=dict)

    def add(self, other: "Delta | Sum") -> None:
        """Add a change to this one."""
        self.amount += other.amount
        self.times += other.times
        self.weight += other.weight
        persons = self.persons
        for block, counter in other.persons.items():
            mine = persons.get(block)
            persons[block] = counter if mine is None else mine.with_(counter)

    def __add__(self, other: "Delta") -> "Delta":
        """Return both changes in one."""
        whole = Delta(self.amount, self.times, self.weight, dict(self.persons))
        whole.add(other)
        return whole


def code_of(path: str) -> str:
    """Return the code at the end of a path. Codes are never changed and never given again."""
    return path.rpartition(".")[2]


@cache
def region_path(code: str) -> str:
    """Return the path of a region: country, province, city, county, as far as there are such.

    `code` is of GB/T 2260; what follows the first six digits is left out. A code that is none is the
    country's.
    """
    code = code[:6]
    if len(code) != 6 or not (code.isascii() and code.isdigit()) or code.startswith("00"):
        return COUNTRY
    above = [COUNTRY, f"{code[:2]}0000"]
    if code[2:4] != "00" and has_city(code):
        above.append(f"{code[:4]}00")
    return ".".join(above if above[-1] == code else [*above, code])


def has_city(code: str) -> bool:
    """Return whether there is a city between a region and its province, or the region is one."""
    return code[:2] not in MUNICIPALITIES and code[2:4] != _DIRECT


class Rest(NamedTuple):
    """What a cell is about, apart from its place."""

    calendar: Calendar
    period: str
    values: Combination


Place = dict[int, Delta]
"""The cells of a place by the number of the rest (`_Rests`): a number is compared faster than a rest."""


class _Rests:
    """What the cells of some sums are about, numbered."""

    def __init__(self, feed: CellFeed) -> None:
        self._feed = feed
        self._numbers: dict[Rest, int] = {}
        self._of: dict[tuple[str, ...], list[int]] = {}

    def of(self, one: Sum) -> list[int]:
        """Return the numbers of the cells of a sum. The sums of a page differ little."""
        alike = (*one.periods.values(), *one.values.values())
        found = self._of.get(alike)
        if found is None:
            numbers = self._numbers
            found = self._of[alike] = [numbers.setdefault(rest, len(numbers)) for rest in self._rests(one)]
        return found

    def all(self) -> list[Rest]:
        """Return the rests in the order of their numbers."""
        return list(self._numbers)

    def _rests(self, one: Sum) -> Iterable[Rest]:
        values = dict(one.values)
        if Dimension.STAGE in values:
            values[Dimension.SECTOR] = SECTOR_OF[values[Dimension.STAGE]]
        found: dict[Grouping, Combination] = {}
        for calendar, period in one.periods.items():
            for kept in self._feed.offices[calendar]:
                combination = found.get(kept)
                if combination is None:
                    combination = found[kept] = combined({shown: values[shown] for shown in kept})
                yield Rest(calendar, period, combination)


def changes_of(feed: CellFeed, sums: Iterable[Sum], is_school: Callable[[str], bool]) -> dict[Key, Delta]:
    """Return what some sums change in the cells of all places on their paths.

    `is_school` tells a school by its code. Summed up from below: the cells of a place are those of the places
    below it and its own, so that the facts of a county are added up once and not for each level above it.
    """
    numbered = _Rests(feed)
    units: dict[str, list[Place]] = {}
    regions: dict[str, list[Place]] = {}
    for (path, region), place in _leaves(numbered, sums).items():
        units.setdefault(path, []).append(place)
        regions.setdefault(region_path(region), []).append(place)
    rests = numbered.all()
    kept_of_schools = [_of_schools(feed, rest) for rest in rests]
    changes: dict[Key, Delta] = {}
    for tree, places in ((Tree.AUTHORITY, units), (Tree.TERRITORY, regions)):
        for path, place in _rolled_up(places):
            school = tree is Tree.AUTHORITY and is_school(code_of(path))
            for number, delta in place.items():
                if not school or kept_of_schools[number]:
                    changes[Key(tree, path, *rests[number])] = delta
    return changes


def _leaves(numbered: _Rests, sums: Iterable[Sum]) -> dict[tuple[str, str], Place]:
    leaves: dict[tuple[str, str], Place] = {}
    for one in sums:
        place = leaves.setdefault((one.path, one.region), {})
        for number in numbered.of(one):
            delta = place.get(number)
            if delta is None:
                place[number] = Delta(one.amount, one.times, one.weight, dict(one.persons))
            else:
                delta.add(one)
    return leaves


def combined(values: Mapping[Dimension, str]) -> Combination:
    """Return the combination of some values."""
    return tuple(sorted((dimension.value, value) for dimension, value in values.items()))


def _of_schools(feed: CellFeed, rest: Rest) -> bool:
    return frozenset(Dimension(name) for name, _ in rest.values) in feed.kept(rest.calendar, school=True)


def _rolled_up(parts: dict[str, list[Place]]) -> Iterable[tuple[str, Place]]:
    """Yield all places with their cells, those below before those above; a place may be that below it."""
    paths = {path.rsplit(".", count)[0] for path in parts for count in range(path.count(".") + 1)}
    for path in sorted(paths, key=rank_of):
        place = _together(parts.pop(path))
        if "." in path:
            parts.setdefault(path.rpartition(".")[0], []).append(place)
        yield path, place


def _together(parts: list[Place]) -> Place:
    """Return the cells of a place. Those of its only part are shared with it."""
    if len(parts) == 1:
        return parts[0]
    place: Place = {}
    for part in parts:
        for number, delta in part.items():
            mine = place.get(number)
            if mine is None:
                place[number] = Delta(delta.amount, delta.times, delta.weight, dict(delta.persons))
            else:
                mine.add(delta)
    return place


@dataclass(frozen=True)
class Question:
    """Which cells answer, and how: stored values to choose, then dimensions to tell apart.

    `sectors` of the answer follow from stored stages.
    """

    stored: Grouping
    only: Mapping[Dimension, frozenset[str]]
    by: Grouping
    sectors: bool = False


def plan(kept: Iterable[Grouping], by: Grouping, only: Mapping[Dimension, Iterable[str]]) -> Question | None:
    """Return how kept groupings answer a question exactly, None if none does.

    A stage tells its sector, so a question about both, or about sectors where only stages are kept, is
    answered by the cells of stages; the service adds up their persons.
    """
    asked = by | only.keys()
    chosen = {dimension: frozenset(values) for dimension, values in only.items()}
    if Dimension.SECTOR in asked and (Dimension.STAGE in asked or asked not in kept):
        sectors = chosen.pop(Dimension.SECTOR, None)
        if sectors is not None:
            stages = frozenset(stage for stage, sector in SECTOR_OF.items() if sector in sectors)
            chosen[Dimension.STAGE] = stages & chosen.get(Dimension.STAGE, stages)
        asked = (asked - {Dimension.SECTOR}) | {Dimension.STAGE}
        if asked not in kept:
            return None
        return Question(asked, chosen, by, Dimension.SECTOR in by)
    return Question(asked, chosen, by) if asked in kept else None


def answer(values: Mapping[str, str], question: Question) -> dict[Dimension, str]:
    """Return the values that a stored cell has in the answer."""
    shown = {
        one: values[one.value] for one in question.by if one is not Dimension.SECTOR or not question.sectors
    }
    if question.sectors:
        shown[Dimension.SECTOR] = SECTOR_OF[values[Dimension.STAGE.value]]
    return shown
