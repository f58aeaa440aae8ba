"""Finds the swaps that protect small cells (`cockpit.disclosure.rules`). Pure.

A swap adds persons to some atoms of a row and takes as many from others, and does the opposite in a second
row. An atom has a value for every dimension that the swap touches, so the cells that it changes are those of
the groupings to which it adds another number than it takes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from cockpit.disclosure.tables import (
    WIDTH,
    Change,
    Combination,
    Hidden,
    Move,
    Need,
    Part,
    Place,
    Spot,
    Swap,
    agree,
    nearest,
)

PARTNERS, CONTEXTS, CHANGES, ROWS = 8, 4, 8, 6
"""How many values, contexts, changes and rows are tried for a small cell, the cheapest first."""
MOST_SWAPS = 64
"""Swaps that together protect a small cell."""


class Swaps:
    """The search for swaps in one table; hides what they change."""

    def __init__(
        self,
        rows: Mapping[str, Place],
        groupings: Collection[frozenset[str]],
        implied: Mapping[tuple[str, str], tuple[str, str]],
        hidden: Hidden,
        *,
        alone: bool,
    ) -> None:
        self._rows = rows
        self._codes = sorted(rows)
        self._groupings = sorted(groupings, key=lambda one: (-len(one), sorted(one)))
        self._implied = implied
        self._hidden = hidden
        self._alone = alone
        further: dict[str, set[str]] = {}
        for (dimension, _), (other, _) in implied.items():
            further.setdefault(dimension, set()).add(other)
        self._closure = {
            one: frozenset(one.union(*(further.get(dimension, ()) for dimension in one)))
            for one in self._groupings
        }
        self._finest = [
            one
            for one in self._groupings
            if not any(self._closure[one] < self._closure[other] for other in self._groupings)
        ]
        self._cells: dict[tuple[int, frozenset[str]], list[Combination]] = {}
        self._found: dict[tuple[str, Combination], list[Change]] = {}

    def protect(self, need: Need) -> None:
        """Hide what protects a small cell: the cheapest swaps; else the whole column; else the table."""
        found: list[tuple[int, int, Swap]] = []
        for number, swap in enumerate(self._swaps(need)):
            cost = self._cost(need, swap)
            if cost == 0 and self._suffices(need, [swap]):
                return
            found.append((cost, number, swap))
        ordered = [swap for _, _, swap in sorted(found, key=lambda one: one[:2])]
        if any(self._suffices(need, [swap]) for swap in ordered):
            return
        if self._together(need, ordered):
            return
        if ordered:
            # Nobody can tell any more which of the rows have none.
            self._hidden.every.update(ordered[0].change)
        self._hidden.closed = not self._together(need, list(self._swaps(need)))

    def _suffices(self, need: Need, swaps: Sequence[Swap]) -> bool:
        """Return whether swaps protect a small cell; if so, hide what they change and record the moves."""
        up, raising = self._reach(need, swaps, 1)
        down, lowering = self._reach(need, swaps, -1)
        if up + down < WIDTH:
            return False
        self._hide(need, swaps)
        for moves in (raising, lowering):
            for code, move in moves:
                self._hidden.moves.setdefault(code, []).append(move)
        return True

    def _together(self, need: Need, swaps: Sequence[Swap]) -> bool:
        taken: list[Swap] = []
        for swap in swaps[:MOST_SWAPS]:
            taken.append(swap)
            if self._suffices(need, taken):
                return True
        return False

    def allow(self, move: Move) -> None:
        """See to it that the rows can make a move that is needed above; else hide the table."""
        left = move.times
        for code in self._codes:
            step = min(left, self._possible(code, move))
            if step:
                self._hidden.moves.setdefault(code, []).append(Move(move.change, step))
                left -= step
            if not left:
                return
        self._hidden.closed = True

    def moves_anyway(self, need: Need) -> bool:
        """Return whether moves of the row that are needed above change the small cell enough."""
        best: dict[bool, tuple[int, Move]] = {}
        for move in self._hidden.above.moves:
            by = move.change.get((need.combination, need.part), 0)
            if by and (step := min(move.times, self._possible(need.code, move))):
                # Two moves may take the same persons: only the largest in each direction counts.
                room, _ = best.get(by > 0, (0, move))
                if abs(by) * step > room:
                    best[by > 0] = abs(by) * step, Move(move.change, step)
        if sum(room for room, _ in best.values()) < WIDTH:
            return False
        self._hidden.moves.setdefault(need.code, []).extend(move for _, move in best.values())
        return True

    def _possible(self, code: str, move: Move) -> int:
        whole = self._rows[code].whole
        step = move.times
        for (one, part), amount in move.change.items():
            if amount < 0:
                step = min(step, self._mass((code, one, part)) // -amount)
            elif one not in whole and not self._hidden.hides_empty(one, part=False):
                return 0
        return step

    # Candidates

    def _swaps(self, need: Need) -> Iterable[Swap]:
        place = self._rows[need.code]
        spreads = (True,) if need.part is None else (False, True)
        changes = self._found.get((need.code, need.combination))
        if changes is None:
            changes = list(self._changes(place, need.combination))
            self._found[need.code, need.combination] = changes
        ranked = sorted(
            range(len(changes)), key=lambda number: (self._lost(place, need, changes[number]), number)
        )
        for number in ranked[:CHANGES]:
            change = changes[number]
            partners: Iterable[str | None] = [None] if self._alone else self._partners(need, change)
            for partner in partners:
                for spread in spreads:
                    yield Swap(change, partner, spread=spread)

    def _lost(self, place: Place, need: Need, change: Change) -> int:
        return sum(
            max(place.whole.get(one, (0,))) + 1
            for one in change
            if not self._hidden.hides(need.code, one, part=need.part is not None)
        )

    def _partners(self, need: Need, change: Change) -> Iterable[str]:
        """Yield the rows that have persons in all that changes: the hidden ones, then the smallest."""
        shown: list[tuple[int, str]] = []
        for code in self._codes:
            if code == need.code or not self._has(code, change):
                continue
            whole = self._rows[code].whole
            new = sum(
                min(whole.get(one, (0,))) + 1
                for one in change
                if not self._hidden.hides(code, one, part=False)
            )
            if new:
                shown.append((new, code))
            else:
                yield code
        for _, code in sorted(shown)[:ROWS]:
            yield code

    def _has(self, code: str, change: Change) -> bool:
        whole = self._rows[code].whole
        return all(one in whole or self._hidden.hides_empty(one, part=False) for one in change)

    def _changes(self, place: Place, combination: Combination) -> Iterable[Change]:
        seen: set[frozenset[tuple[Combination, int]]] = set()
        for change in self._all_changes(place, combination):
            key = frozenset(change.items())
            if change.get(combination, 0) > 0 and key not in seen:
                seen.add(key)
                yield change

    def _all_changes(self, place: Place, combination: Combination) -> Iterable[Change]:
        if not combination:
            yield from self._lineages(place, combination)
            return
        dimensions = {dimension for dimension, _ in combination}
        for finest in self._finest:
            if not dimensions <= self._closure[finest]:
                continue
            atoms = self._atoms(place, finest)
            mine = [atom for atom in atoms if combination <= atom]
            others = [atom for atom in atoms if not combination <= atom]
            for atom in mine[:CONTEXTS]:
                for other in nearest(atom, others)[:PARTNERS]:
                    yield from self._change(place, [atom], [other])
                yield from self._rectangles(place, finest, atom, atoms)
        yield from self._lineages(place, combination)

    def _rectangles(
        self, place: Place, finest: frozenset[str], atom: Combination, atoms: Sequence[Combination]
    ) -> Iterable[Change]:
        """Yield exchanges between four atoms that leave both kinds of margins as they are."""
        stored = {frozenset(pair for pair in one if pair[0] in finest): one for one in atoms}
        mine = frozenset(pair for pair in atom if pair[0] in finest)
        found = 0
        for first in sorted(mine):
            rest = mine - {first}
            if not rest:
                return
            beside = [key for key in stored if rest <= key and key != mine]
            along = [key for key in stored if first in key and key != mine]
            for side in beside:
                for line in along:
                    corner = (side - rest) | (line - {first})
                    if corner in stored and len(corner) == len(mine):
                        yield from self._change(place, [atom, stored[corner]], [stored[side], stored[line]])
                        found += 1
                        if found >= PARTNERS:
                            return

    def _lineages(self, place: Place, combination: Combination) -> Iterable[Change]:
        """Yield changes that nothing in the row balances: the row's total changes, too."""
        for finest in self._finest:
            for atom in islice((one for one in self._atoms(place, finest) if combination <= one), CONTEXTS):
                yield from self._change(place, [atom], [])

    def _change(
        self, place: Place, plus: Sequence[Combination], minus: Sequence[Combination]
    ) -> Iterable[Change]:
        completed = self._completed(place, [*plus, *minus], lineage=not minus)
        if completed is None:
            return
        change: dict[Combination, int] = {}
        for number, atom in enumerate(completed):
            sign = 1 if number < len(plus) else -1
            for one in self._groupings:
                key = frozenset(pair for pair in atom if pair[0] in one)
                if len(key) == len(one):
                    change[key] = change.get(key, 0) + sign
        yield {one: amount for one, amount in change.items() if amount}

    def _completed(
        self, place: Place, atoms: Sequence[Combination], *, lineage: bool
    ) -> list[Combination] | None:
        """Give all atoms the same values of the further dimensions of the groupings that change."""
        first = atoms[0]
        changed = {dimension for atom in atoms for dimension, _ in atom ^ first}
        known = {dimension for dimension, _ in first}
        current = list(atoms)
        for one in self._groupings:
            missing = one - known
            if not missing or not (lineage or one & changed):
                continue
            for cell in self._atoms(place, one):
                context = frozenset(pair for pair in cell if pair[0] not in known)
                wanted = [frozenset(p for p in atom | context if p[0] in one) for atom in current]
                if agree(current[0], cell) and all(
                    key in place.whole or self._hidden.hides_empty(key, part=False) for key in wanted
                ):
                    current = [atom | context for atom in current]
                    known |= {dimension for dimension, _ in context}
                    break
            else:
                return None
        return current

    def _atoms(self, place: Place, finest: frozenset[str]) -> list[Combination]:
        """Return the cells of a grouping, with the values that follow from theirs, the largest first."""
        key = (id(place), finest)
        found = self._cells.get(key)
        if found is None:
            cells = [one for one in place.whole if {dimension for dimension, _ in one} == finest]
            cells.sort(key=lambda one: (-min(place.whole[one]), sorted(one)))
            found = self._cells[key] = [self._with_implied(one) for one in cells]
        return found

    def _with_implied(self, combination: Combination) -> Combination:
        return combination | {self._implied[pair] for pair in combination if pair in self._implied}

    # Judging

    def _cost(self, need: Need, swap: Swap) -> int:
        """Return what is lost by hiding what a swap changes: persons of cells that are still shown."""
        cost = 0
        for code in self._both(need, swap):
            whole = self._rows[code].whole
            for one in swap.change:
                persons = max(whole.get(one, (0,))) + 1
                if (swap.spread or need.part is None) and not self._hidden.hides(code, one, part=False):
                    cost += 100 * persons
                if not self._hidden.hides(code, one, part=True):
                    cost += persons
        return cost

    def _reach(self, need: Need, swaps: Sequence[Swap], direction: int) -> tuple[int, list[tuple[str, Move]]]:
        """Return by how much some swaps together can raise (or lower) the small cell, at most `WIDTH`."""
        spent: dict[Spot, int] = {}
        moves: list[tuple[str, Move]] = []
        total = 0
        for swap in swaps:
            for way in self._ways(need, swap, direction):
                step = WIDTH - total
                for cell, amount in way.items():
                    if amount < 0:
                        step = min(step, (self._mass(cell) - spent.get(cell, 0)) // -amount)
                if step <= 0:
                    continue
                for cell, amount in way.items():
                    spent[cell] = spent.get(cell, 0) - min(amount, 0) * step
                for code in self._both(need, swap):
                    change = {cell[1:]: amount for cell, amount in way.items() if cell[0] == code}
                    moves.append((code, Move(change, step)))
                total += step
                if total >= WIDTH:
                    return total, moves
        return total, moves

    def _ways(self, need: Need, swap: Swap, direction: int) -> Iterable[dict[Spot, int]]:
        """Yield what one step changes, for each way to place it in time."""
        signs = [(need.code, direction)]
        if swap.partner is not None:
            signs.append((swap.partner, -direction))

        def way(*placed: tuple[Part | None, int]) -> dict[Spot, int]:
            return {
                (code, one, part): amount * sign * turn
                for part, turn in placed
                for code, sign in signs
                for one, amount in swap.change.items()
                if self._divided(code, one, part)
            }

        inner = self._inner(need, swap)
        if need.part is None:
            if not inner:
                yield way((None, 1))
            for part in inner:
                yield way((None, 1), (part, 1))
        elif need.part not in inner:
            # A school year, and nothing inside it is kept.
            yield way((None, 1))
        elif swap.spread:
            yield way((None, 1), (need.part, 1))
        else:
            for part in inner:
                if part != need.part:
                    yield way((need.part, 1), (part, -1))

    def _inner(self, need: Need, swap: Swap) -> list[Part]:
        """Return the parts of the year in which the rows have what changes, of one calendar."""
        parts: set[Part] = set()
        for code in self._both(need, swap):
            for one in swap.change:
                parts.update(self._rows[code].parts.get(one, ()))
        calendars = sorted({calendar for calendar, _ in parts}, reverse=True)
        calendar = need.part[0] if need.part is not None else next(iter(calendars), "")
        return sorted(part for part in parts if part[0] == calendar)

    def _divided(self, code: str, combination: Combination, part: Part | None) -> bool:
        """Return whether the cell is kept for the calendar of a part at all."""
        if part is None:
            return True
        periods = self._rows[code].parts.get(combination, {})
        return any(calendar == part[0] for calendar, _ in periods)

    def _mass(self, cell: Spot) -> int:
        """Return how many persons a hidden cell can lose. A cell that is not empty shows that it is not."""
        code, combination, part = cell
        place = self._rows[code]
        if part is not None:
            return min(place.parts.get(combination, {}).get(part, (0,)))
        empty = self._hidden.hides_empty(combination, part=False)
        return min(place.whole.get(combination, (0,))) - (0 if empty else 1)

    def _hide(self, need: Need, swaps: Sequence[Swap]) -> None:
        for swap in swaps:
            for code in self._both(need, swap):
                for one in swap.change:
                    self._hidden.parts.add((code, one))
                    if swap.spread or need.part is None:
                        self._hidden.whole.add((code, one))

    def _both(self, need: Need, swap: Swap) -> tuple[str, ...]:
        return (need.code,) if swap.partner is None else (need.code, swap.partner)
