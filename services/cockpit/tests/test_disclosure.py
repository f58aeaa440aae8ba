"""What stays hidden from somebody who asks for everything that is shown and calculates."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from cockpit.disclosure.rules import decide
from cockpit.disclosure.swaps import Swaps
from cockpit.disclosure.tables import SMALL, WIDTH, Combination, Hidden, Part, Place

STAGES, PROGRAMMES, FUNDING, TERMS = (
    ("s1", "s2", "s3"),
    ("p1", "p2", "p3"),
    ("f1", "f2"),
    ("spring", "autumn"),
)
SECTORS = {
    ("stage", "s1"): ("sector", "low"),
    ("stage", "s2"): ("sector", "low"),
    ("stage", "s3"): ("sector", "high"),
}
GROUPINGS = [
    frozenset[str](),
    frozenset({"stage"}),
    frozenset({"sector"}),
    frozenset({"programme"}),
    frozenset({"funding"}),
    frozenset({"stage", "programme"}),
    frozenset({"sector", "programme"}),
]
Fact = tuple[str, str, str, str, str]
"""Path of the place, stage, programme, source of funds, term."""
Cell = tuple[str, Combination, Part]
YEAR: Part = ("year", "2024")


def cells_of(facts: Mapping[Fact, int]) -> dict[Cell, int]:
    """All kept cells, empty ones included, for every place."""
    places = {path[: end + 1] for path, *_ in facts for end in range(len(path))}
    cells: dict[Cell, int] = {}
    keys = [key for group in GROUPINGS for key in keys_of(group)]
    for place in places:
        for key in keys:
            for period in (YEAR, *(("term", term) for term in TERMS)):
                cells[place, key, period] = 0
    for fact, count in facts.items():
        for cell in cells_with(fact):
            cells[cell] += count
    return cells


def cells_with(fact: Fact) -> Iterator[Cell]:
    path, stage, programme, funding, term = fact
    values = {
        "stage": stage,
        "sector": SECTORS["stage", stage][1],
        "programme": programme,
        "funding": funding,
    }
    for end in range(len(path)):
        for group in GROUPINGS:
            key = frozenset((one, values[one]) for one in group)
            yield path[: end + 1], key, YEAR
            yield path[: end + 1], key, ("term", term)


def keys_of(group: frozenset[str]) -> list[Combination]:
    values = {"stage": STAGES, "sector": ("low", "high"), "programme": PROGRAMMES, "funding": FUNDING}
    keys: list[Combination] = [frozenset()]
    for one in sorted(group):
        keys = [key | {(one, value)} for key in keys for value in values[one]]
    return keys


def place_of(cells: Mapping[Cell, int], path: str) -> Place:
    whole: dict[Combination, tuple[int, ...]] = {}
    parts: dict[Combination, dict[Part, tuple[int, ...]]] = defaultdict(dict)
    for (place, key, period), count in cells.items():
        if place == path and count:
            if period == YEAR:
                whole[key] = (count,)
            else:
                parts[key][period] = (count,)
    return Place(whole, parts)


@dataclass
class Shown:
    """What a viewer of the root may see, table by table."""

    cells: Mapping[Cell, int]
    hidden: dict[Cell, bool] = field(default_factory=dict)
    """Each cell that is not shown; whether it could be empty for all that the viewer is told."""
    tables: list[Hidden] = field(default_factory=list)

    def decide(self, path: str, table: Hidden) -> None:
        self.tables.append(table)
        for place, key, period in self.cells:
            if place == path and table.hides(path, key, part=period != YEAR):
                # The parts of a hidden cell are hidden whether it is empty in them or not.
                known = not table.hides_empty(key, part=period != YEAR) and (
                    period == YEAR or not self.cells[path, key, YEAR]
                )
                self.hidden[path, key, period] = not known


def shown_to_root(facts: Mapping[Fact, int]) -> Shown:
    cells = cells_of(facts)
    shown = Shown(cells)
    paths = sorted({place for place, *_ in cells}, key=lambda path: (len(path), path))
    root = paths[0]
    decided = {"": decide({root: place_of(cells, root)}, GROUPINGS, alone=True, implied=SECTORS)}
    shown.decide(root, decided[""])
    for path in paths:
        below = [other for other in paths if len(other) == len(path) + 1 and other.startswith(path)]
        if not below:
            continue
        columns = decided[path[:-1]].columns(path)
        rows = {other: place_of(cells, other) for other in below}
        decided[path] = decide(rows, GROUPINGS, above=columns, implied=SECTORS)
        for other in below:
            shown.decide(other, decided[path])
    return shown


def intervals(shown: Shown, targets: list[Cell]) -> dict[Cell, tuple[float, float]]:
    """What an attacker can tell of hidden cells: the least and largest value that fits all that is shown.

    The unknowns are the facts of a place with one value in each dimension and term, wherever they might be.
    """
    leaves = [
        place
        for place in {place for place, *_ in shown.cells}
        if not any(other != place and other.startswith(place) for other, *_ in shown.cells)
    ]
    atoms = [
        (place, stage, programme, funding, term)
        for place in sorted(leaves)
        for stage in STAGES
        for programme in PROGRAMMES
        for funding in FUNDING
        for term in TERMS
    ]
    members: dict[Cell, list[int]] = defaultdict(list)
    for number, atom in enumerate(atoms):
        for cell in cells_with(atom):
            members[cell].append(number)

    def matrix(cells: list[Cell]) -> csr_matrix:
        rows = [row for row, cell in enumerate(cells) for _ in members[cell]]
        columns = [number for cell in cells for number in members[cell]]
        return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(cells), len(atoms)))

    equal = [cell for cell in shown.cells if cell not in shown.hidden]
    # A cell that a list has, although hidden, is not empty.
    least = [cell for cell, empty in shown.hidden.items() if not empty and shown.cells[cell]]
    zero = [cell for cell, empty in shown.hidden.items() if not empty and not shown.cells[cell]]
    bounds: dict[str, object] = {
        "A_eq": matrix(equal + zero),
        "b_eq": [shown.cells[cell] for cell in equal] + [0] * len(zero),
        "A_ub": -matrix(least) if least else None,
        "b_ub": [-1] * len(least) if least else None,
        "method": "highs",
    }
    found: dict[Cell, tuple[float, float]] = {}
    for target in targets:
        wanted = np.zeros(len(atoms))
        wanted[members[target]] = 1
        low = linprog(wanted, **bounds)
        high = linprog(-wanted, **bounds)
        assert low.status == 0, (target, low.message)
        found[target] = (low.fun, -high.fun if high.status == 0 else float("inf"))
    return found


def population(seed: int, density: float) -> dict[Fact, int]:
    """Facts of two to five places with one to three places below each, most of them few persons."""
    chance = random.Random(seed)
    leaves = [
        f"r{chr(97 + child)}{leaf}"
        for child in range(chance.randint(2, 5))
        for leaf in range(chance.randint(1, 3))
    ]
    facts = {
        (leaf, stage, programme, funding, term): chance.choice([1, 2, 3, 4, 8, 20, 60, 200])
        for leaf in leaves
        for stage in STAGES
        for programme in PROGRAMMES
        for funding in FUNDING
        for term in TERMS
        if chance.random() < density
    }
    return facts or {(leaves[0], "s1", "p1", "f1", "spring"): 3}


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**9), st.sampled_from([0.05, 0.1, 0.3, 0.6, 0.9]))
def test_no_small_count_follows_from_all_that_is_shown(seed: int, density: float) -> None:
    shown = shown_to_root(population(seed, density))
    small = sorted(
        (cell for cell, count in shown.cells.items() if 0 < count < SMALL), key=lambda cell: str(cell)
    )
    assert all(cell in shown.hidden for cell in small)
    targets = random.Random(seed).sample(small, min(10, len(small)))
    for cell, (low, high) in intervals(shown, targets).items():
        assert high - low >= WIDTH - 1e-6, (cell, shown.cells[cell], low, high)


def test_without_swaps_the_attacker_finds_small_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Swaps, "protect", lambda *_: None)
    shown = shown_to_root(population(7, 0.3))
    small = [cell for cell, count in shown.cells.items() if 0 < count < SMALL]
    assert any(high - low < WIDTH for low, high in intervals(shown, small[:10]).values())


def test_the_same_cells_are_hidden_in_whatever_order_they_are_read() -> None:
    cells = cells_of(population(3, 0.3))
    places = sorted({place for place, *_ in cells if len(place) == 2})
    rows = {place: place_of(cells, place) for place in places}
    turned = {
        code: Place(
            dict(sorted(rows[code].whole.items(), key=str)), dict(sorted(rows[code].parts.items(), key=str))
        )
        for code in reversed(places)
    }
    first, second = (decide(given, GROUPINGS, implied=SECTORS) for given in (rows, turned))
    assert (first.whole, first.parts, first.every) == (second.whole, second.parts, second.every)


def test_what_is_hidden_for_a_place_is_hidden_for_all_places_below() -> None:
    shown = shown_to_root(population(11, 0.3))
    for place, key, period in shown.hidden:
        for other, same, then in shown.cells:
            if (same, then) == (key, period) and other.startswith(place):
                assert (other, key, period) in shown.hidden


def test_hundreds_of_schools_with_few_persons_hide_little_else() -> None:
    chance = random.Random(1)
    rows = {}
    for number in range(300):
        stage = STAGES[number % 3]
        persons = (chance.choice([2, 3, 40, 120, 300]),)
        rows[f"{number:04d}"] = Place({frozenset(): persons, frozenset({("stage", stage)}): persons})
    hidden = decide(rows, [frozenset(), frozenset({"stage"})])
    small = sum(place.whole[frozenset()][0] < SMALL for place in rows.values())
    also = [code for code, key in hidden.whole if not key and rows[code].whole[key][0] >= SMALL]
    assert not hidden.closed
    assert small > 100
    assert len(also) <= 6


def test_a_table_without_small_cells_hides_nothing() -> None:
    place = Place(
        {frozenset(): (50,), frozenset({("stage", "s1")}): (30,), frozenset({("stage", "s2")}): (20,)}
    )
    hidden = decide({"a": place, "b": place}, [frozenset(), frozenset({"stage"})])
    assert hidden == Hidden()
