"""Tables of cells, and what is hidden of them (`cockpit.disclosure.rules`). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

SMALL = 5
"""A cell with fewer persons is hidden."""
WIDTH = 3
"""The least difference between the largest and the smallest count that a hidden small cell may have, given
all that is shown."""

Combination = frozenset[tuple[str, str]]
"""Values by dimension. Empty: not divided."""
Part = tuple[str, str]
"""A calendar and a period inside the year."""
Persons = tuple[int, ...]
"""Persons of a cell, in each tree that has the place: they are shown or hidden together."""


@dataclass(frozen=True)
class Place:
    """The cells of a place in a year that are not empty.

    `parts` divide the year. `overlaps` are periods of other calendars that overlap it: the two school years.
    """

    whole: Mapping[Combination, Persons]
    parts: Mapping[Combination, Mapping[Part, Persons]] = field(default_factory=dict)
    overlaps: Mapping[Combination, Mapping[Part, Persons]] = field(default_factory=dict)


@dataclass(frozen=True)
class Move:
    """A change that must remain possible in a place, for a small cell above it or beside it: by how many
    persons each cell of the year (part None) or of a part changes, and how often.
    """

    change: Mapping[tuple[Combination, Part | None], int]
    times: int


@dataclass(frozen=True)
class Columns:
    """The combinations hidden for a place, and therefore for all places below, empty cells included."""

    whole: frozenset[Combination] = frozenset()
    parts: frozenset[Combination] = frozenset()
    closed: bool = False
    moves: tuple[Move, ...] = ()

    def hides(self, combination: Combination, *, part: bool) -> bool:
        """Return whether the cell of the year, or of its parts, is hidden."""
        return self.closed or combination in self.whole or (part and combination in self.parts)


OPEN = Columns()


@dataclass
class Hidden:
    """The hidden cells of a table. `every` and `above` hold for all rows, empty cells included.

    `moves` must remain possible in the rows, whatever is shown of the places below them.
    """

    above: Columns = OPEN
    whole: set[tuple[str, Combination]] = field(default_factory=set)
    parts: set[tuple[str, Combination]] = field(default_factory=set)
    every: set[Combination] = field(default_factory=set)
    closed: bool = False
    moves: dict[str, list[Move]] = field(default_factory=dict)

    def hides(self, code: str, combination: Combination, *, part: bool) -> bool:
        """Return whether a cell of the year, or of its parts, is hidden."""
        cell = (code, combination)
        return self.hides_empty(combination, part=part) or cell in self.whole or (part and cell in self.parts)

    def hides_empty(self, combination: Combination, *, part: bool) -> bool:
        """Return whether the cells of all rows are hidden, empty ones included."""
        return self.closed or combination in self.every or self.above.hides(combination, part=part)

    def hides_some_empty(self, code: str, *, part: bool) -> bool:
        """Return whether an empty cell of a row may be hidden. A part of a hidden year is, empty or not."""
        above = self.above
        return (
            self.closed
            or above.closed
            or bool(self.every or above.whole)
            or (part and (bool(above.parts) or code in self._divided))
        )

    @cached_property
    def _divided(self) -> frozenset[str]:
        """The rows with hidden parts, once the table is decided."""
        return frozenset(row for row, _ in self.parts)

    def columns(self, code: str) -> Columns:
        """Return what is hidden for the places below a row."""
        return Columns(
            frozenset({one for row, one in self.whole if row == code} | self.every | self.above.whole),
            frozenset({one for row, one in self.parts if row == code} | self.above.parts),
            self.closed or self.above.closed,
            tuple(self.moves.get(code, ())),
        )


def is_small(persons: Persons) -> bool:
    """Return whether a cell is hidden for its own sake."""
    return any(0 < count < SMALL for count in persons)


@dataclass(frozen=True)
class Need:
    """A small cell to protect: of the year, or of one part of it."""

    code: str
    combination: Combination
    part: Part | None

    @property
    def key(self) -> tuple[str, list[tuple[str, str]], Part]:
        """Return what orders small cells."""
        return self.code, sorted(self.combination), self.part or ("", "")


Change = Mapping[Combination, int]
Spot = tuple[str, Combination, Part | None]
"""A cell of a row, of the year or of a part of it."""


@dataclass(frozen=True)
class Swap:
    """A change of the row with the small cell, the opposite of which happens in `partner` (none: nothing).

    `spread`: the year changes with its part. Otherwise another part of the year changes the other way.
    """

    change: Change
    partner: str | None
    spread: bool


def nearest(atom: Combination, others: Sequence[Combination]) -> list[Combination]:
    """Return other atoms, those first that differ least; `others` begin with the largest."""
    smallest = others[::-1]
    return sorted(smallest, key=lambda other: len(atom - other))


def agree(atom: Combination, cell: Combination) -> bool:
    """Return whether a cell has no other value of a dimension than an atom."""
    values = dict(atom)
    return all(values.get(dimension, value) == value for dimension, value in cell)
