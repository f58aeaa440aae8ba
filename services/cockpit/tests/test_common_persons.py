"""What follows for somebody who sums up all counts of persons in both of two cells that are shown."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.optimize import linprog

from cockpit.disclosure.overlaps import Row, Split, hidden_rows, with_rest
from cockpit.disclosure.tables import SMALL, WIDTH, Combination

TYPES = ("t1", "t2", "t3")
PLACES = ("r", "ra", "rb", "rc", "raa", "rab", "rba", "rbb", "rca")
LEAVES = [place for place in PLACES if len(place) == 3]
WHOLE: Combination = frozenset()
Counts = dict[tuple[str, str], tuple[int, int]]
"""Persons listed, and those of them who are aided, by leaf and type."""


def counts_of(chance: random.Random) -> tuple[Counts, dict[str, int]]:
    """Return a list of hardship, and who is aided without being on it. Its cells are not small themselves."""
    listed: Counts = {}
    for leaf in LEAVES:
        for one in TYPES:
            persons = chance.choice([0, *range(SMALL, 30)])
            left = chance.choice([0, 0, 1, 2, 3, 6, 15, persons])
            listed[leaf, one] = persons, max(0, persons - left)
    return listed, {leaf: chance.choice([0, 1, 3, 8, 40]) for leaf in LEAVES}


class World:
    """The splits of all places, and what a viewer of the root is shown."""

    def __init__(self, listed: Counts, further: dict[str, int]) -> None:
        self.listed, self.further = listed, further
        self.hidden: set[tuple[str, bool]] = set()
        """Places whose undivided count (False), or whose counts by type (True), are hidden."""
        for divided in (False, True):
            tables = [("r",), *self._tables()]
            for table in tables:
                rows: dict[str, Row] = {place: self.row(place, divided=divided) for place in table}
                if table != ("r",):
                    rows = with_rest(rows, self.row(table[0][:-1], divided=divided))
                for place in hidden_rows(rows):
                    self.hidden |= {(below, True) for below in PLACES if place and below.startswith(place)}
                    if not divided:
                        self.hidden |= {
                            (below, False) for below in PLACES if place and below.startswith(place)
                        }
                if not divided and any(place and (place, False) in self.hidden for place in table):
                    self.hidden |= {
                        (below, True) for place in table for below in PLACES if below.startswith(place)
                    }

    def _tables(self) -> Iterator[tuple[str, ...]]:
        for above in PLACES:
            below = tuple(one for one in PLACES if len(one) == len(above) + 1 and one.startswith(above))
            if below:
                yield below

    def row(self, place: str, *, divided: bool) -> dict[Combination, Split]:
        if not divided:
            return {WHOLE: self.split(place, TYPES)}
        return {frozenset({("type", one)}): self.split(place, (one,)) for one in TYPES}

    def split(self, place: str, types: tuple[str, ...]) -> Split:
        found = [self.listed[leaf, one] for leaf in LEAVES if leaf.startswith(place) for one in types]
        listed, both = (sum(one[side] for one in found) for side in (0, 1))
        aided = sum(
            self.listed[leaf, one][1] for leaf in LEAVES if leaf.startswith(place) for one in TYPES
        ) + sum(count for leaf, count in self.further.items() if leaf.startswith(place))
        split = Split(listed, aided, both, (listed, aided))
        below = [self.split(one, types) for one in PLACES if one[:-1] == place]
        return split.above((one.one, one.other) for one in below if one.one and one.other)


def widths(world: World) -> dict[tuple[str, str], float]:
    """Return how wide the interval is that the sums leave for each small count, by place and type."""
    names = list(world.listed)
    rows, right = [], []

    def sums(place: str, types: tuple[str, ...]) -> list[int]:
        return [leaf.startswith(place) and one in types for leaf, one in names]

    targets = []
    for place in PLACES:
        for divided, types in [(False, TYPES), *((True, (one,)) for one in TYPES)]:
            split = world.split(place, types)
            if (place, divided) in world.hidden:
                # Small cells themselves are hidden by other rules.
                if split._replace(tight=False).few and split.other >= SMALL:
                    targets.append((place, types))
            else:
                rows.append(sums(place, types))
                right.append(split.both)
    bounds = [(0, world.listed[name][0]) for name in names]
    aided = [sums(place, TYPES) for place in PLACES]
    found = {}
    for place, types in targets:
        ends = []
        for sign in (1, -1):
            solved = linprog(
                sign * np.array(sums(place, types), dtype=float),
                A_eq=np.array(rows, dtype=float) if rows else None,
                b_eq=right or None,
                A_ub=np.array(aided, dtype=float),
                b_ub=[world.split(one, TYPES).other for one in PLACES],
                bounds=bounds,
            )
            ends.append(sign * solved.fun)
        found[place, ",".join(types)] = ends[1] - ends[0]
    return found


@pytest.mark.parametrize("seed", range(12))
def test_no_small_common_count_follows_from_those_that_are_shown(seed: int) -> None:
    world = World(*counts_of(random.Random(seed)))
    narrow = {at: width for at, width in widths(world).items() if width < WIDTH - 1e-6}
    assert not narrow


def test_few_rows_are_hidden_where_few_will_do() -> None:
    rows = {
        "a": {WHOLE: Split(100, 200, 97)},
        "b": {WHOLE: Split(40, 90, 30)},
        "c": {WHOLE: Split(500, 900, 450)},
    }
    assert hidden_rows(rows) == {"a", "b"}
    assert hidden_rows({"b": rows["b"], "c": rows["c"]}) == set()


def test_persons_of_the_place_itself_are_a_row() -> None:
    rows = {"a": {WHOLE: Split(50, 60, 40, (50, 60))}}
    whole = {WHOLE: Split(53, 63, 42, (53, 63))}
    assert hidden_rows(with_rest(rows, whole)) == {"a", ""}
