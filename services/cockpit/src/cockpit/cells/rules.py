"""Which cells a fact belongs to. Pure functions.

A cell has the figures of one place of the tree in one period, for all facts or for those of a stage, a
programme, a source of funds. The facts of a load are first summed to `Sum`s, and each sum is added to the
cells of every unit on its path, as the path was at intake.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from cockpit.cells.counters import Counter
from contracts.vocabulary import Vocabulary

ALL = ""
"""The value of a dimension that a cell does not tell apart."""


class Calendar(Vocabulary):
    """The kinds of periods (a figure of one never compares with one of another)."""

    YEAR = "year", "自然年"
    SCHOOL_YEAR = "school_year", "学年"
    TERM = "term", "学期"


TERMS = ("spring", "autumn", "year")


class Dimension(Vocabulary):
    """What cells tell apart inside a unit and a period."""

    STAGE = "stage", "学段"
    PROGRAMME = "programme", "资助项目"
    FUNDING = "funding", "资金来源"


Grouping = frozenset[Dimension]

GROUPINGS: tuple[Grouping, ...] = (
    frozenset(),
    frozenset({Dimension.STAGE}),
    frozenset({Dimension.PROGRAMME}),
    frozenset({Dimension.FUNDING}),
    frozenset({Dimension.STAGE, Dimension.PROGRAMME}),
)
"""The combinations for offices. Persons do not add up: what a page shows needs a combination of its own."""

SCHOOL_GROUPINGS: tuple[Grouping, ...] = (
    frozenset(),
    frozenset({Dimension.STAGE}),
    frozenset({Dimension.FUNDING}),
)
"""For half a million schools, which appear in lists and in the overview of their calendar year."""


class Key(NamedTuple):
    """A cell: authority path of the unit, calendar and period, and the value of each dimension or `ALL`."""

    path: str
    calendar: Calendar
    period: str
    stage: str = ALL
    programme: str = ALL
    funding: str = ALL

    @property
    def order(self) -> tuple[int, str, str, str, str, str, str]:
        """Return the order in which cells are locked: the cells that all batches share come last."""
        return (-self.path.count("."), *self)


@dataclass(frozen=True)
class Sum:
    """The facts of a load that differ in nothing but the person."""

    path: str
    year: int
    term: str
    stage: str
    programme: str
    funding: str
    amount: Decimal
    times: int
    persons: Mapping[int, Counter]


@dataclass(slots=True)
class Delta:
    """What a load changes in a cell: yuan, facts less reversals, and counters of persons by block."""

    amount: Decimal = Decimal(0)
    times: int = 0
    persons: dict[int, Counter] = field(default_factory=dict)

    def add(self, amount: Decimal, times: int, persons: Mapping[int, Counter]) -> None:
        """Add a change to this one; the counters given stay as they are."""
        self.amount += amount
        self.times += times
        for block, counter in persons.items():
            mine = self.persons.get(block)
            if mine is None:
                self.persons[block] = Counter(list(counter.plus), list(counter.minus))
            else:
                mine.add(counter)


def periods(year: int, term: str) -> list[tuple[Calendar, str]]:
    """Return the periods of a fact. A school year is named after the year in which it begins.

    A spring belongs to the school year that began in the autumn before; what was granted for a whole year
    (`year`) belongs to the school year that begins in it.
    """
    return [
        (Calendar.YEAR, str(year)),
        (Calendar.SCHOOL_YEAR, str(year - 1 if term == "spring" else year)),
        (Calendar.TERM, f"{year}-{term}"),
    ]


def ancestry(path: str) -> list[str]:
    """Return the paths of the unit's authorities and of the unit, the root first."""
    labels = path.split(".")
    return [".".join(labels[: count + 1]) for count in range(len(labels))]


def code_of(path: str) -> str:
    """Return the code of the unit at the end of a path. Codes are never changed and never given again."""
    return path.rpartition(".")[2]


class Rest(NamedTuple):
    """What a cell is about, apart from its place."""

    calendar: Calendar
    period: str
    stage: str
    programme: str
    funding: str

    @property
    def of_schools(self) -> bool:
        """Return whether schools have such a cell, too."""
        shown = frozenset(one for one in Dimension if getattr(self, one.value) != ALL)
        return self.calendar is Calendar.YEAR and shown in SCHOOL_GROUPINGS


def changes_of(sums: Iterable[Sum], is_school: Callable[[str], bool]) -> dict[Key, Delta]:
    """Return what some sums change in the cells of all units on their paths.

    `is_school` tells a school by its code. Summed up from below: the cells of a unit are those of the places
    below it and its own, so that the facts of a county are added up once and not for each level above it.
    """
    changes: dict[Key, Delta] = {}
    places: dict[str, dict[Rest, Delta]] = {}
    for one in sums:
        place = places.setdefault(one.path, {})
        for rest in _rests(one):
            place.setdefault(rest, Delta()).add(one.amount, one.times, one.persons)
    for path in sorted(_with_ancestors(places), key=lambda path: -path.count(".")):
        found = places.pop(path)
        if path.count("."):
            above = places.setdefault(path.rpartition(".")[0], {})
            for rest, delta in found.items():
                above.setdefault(rest, Delta()).add(delta.amount, delta.times, delta.persons)
        school = is_school(code_of(path))
        for rest, delta in found.items():
            if not school or rest.of_schools:
                changes[Key(path, *rest)] = delta
    return changes


def merge(changes: dict[Key, Delta], more: Mapping[Key, Delta]) -> None:
    """Add further changes."""
    for key, delta in more.items():
        changes.setdefault(key, Delta()).add(delta.amount, delta.times, delta.persons)


def _with_ancestors(paths: Iterable[str]) -> set[str]:
    return {above for path in paths for above in ancestry(path)}


def _rests(one: Sum) -> Iterable[Rest]:
    values = (
        (Dimension.STAGE, one.stage),
        (Dimension.PROGRAMME, one.programme),
        (Dimension.FUNDING, one.funding),
    )
    shown = [
        tuple(value if dimension in grouping else ALL for dimension, value in values)
        for grouping in GROUPINGS
    ]
    return [
        Rest(calendar, period, *rest) for calendar, period in periods(one.year, one.term) for rest in shown
    ]
