"""Which counts of persons in both of two cells are hidden (困难学生中获得资助的人数). Pure; see ADR 0037.

Such a count splits the persons of two cells, which are shown, into those in both and those in one only. A
split with 1 to 4 persons on a side is hidden. So that it does not follow from the sum, which the place above
shows, further rows of the same table are hidden until it could have `WIDTH + 1` values.
"""

from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from cockpit.disclosure.tables import SMALL, WIDTH, Combination, is_small


class Split(NamedTuple):
    """The persons of two cells, and those in both; with the facts of both, less reversals."""

    one: int
    other: int
    both: int
    times: tuple[int, int] = (0, 0)
    tight: bool = False
    within: int | None = None
    """How many could be in both, for all that the cells of the places below tell."""

    @property
    def few(self) -> bool:
        """Return whether it tells about fewer than five persons, here or (`tight`) in a place below."""
        parts = self.both, self.one - self.both, self.other - self.both
        return self.tight or any(is_small((part,)) for part in parts)

    @property
    def most(self) -> int:
        """Return how many could be in both, for all that the cells tell."""
        most = min(self.one, self.other)
        return most if self.within is None else max(self.both, min(most, self.within))

    def above(self, below: Iterable[tuple[int, int]]) -> "Split":
        """Return it with what it tells of the places below, of whose two cells the persons are given.

        If nearly as many are in both as could be, then in each place below nearly as many are as could be
        there: where all who are listed are aided, nobody is listed in a part and not aided.
        """
        cells = list(below)
        slack = sum(map(min, cells)) - self.both
        if not cells:
            return self
        within = self.both + slack
        if slack >= WIDTH:
            return self._replace(within=within)
        slack = max(0, slack)
        ranges = [
            (least, least + slack)
            for one, other in cells
            for least in (one - min(one, other), other - min(one, other), min(one, other) - slack)
        ]
        tight = any(least < SMALL and most > 0 for least, most in ranges)
        return self._replace(within=within, tight=tight)

    def less(self, parts: "list[Split]") -> "Split":
        """Return what is left without some parts; nothing if they have all the facts.

        Persons in several parts count once in the whole, so this is the least that is left.
        """
        one, other = (self.times[side] - sum(part.times[side] for part in parts) > 0 for side in (0, 1))
        if not one and not other:
            return Split(0, 0, 0)
        return Split(
            max(0, self.one - sum(part.one for part in parts)),
            max(0, self.other - sum(part.other for part in parts)),
            max(0, self.both - sum(part.both for part in parts)),
        )


Row = Mapping[Combination, Split]
REST = ""
"""The row of what a place has outside the places below it."""
_WHOLE: Combination = frozenset()


def with_rest(rows: Mapping[str, Row], whole: Row) -> dict[str, Row]:
    """Return the rows below a place and that of the rest."""
    rest = {
        combination: split.less([row[combination] for row in rows.values() if combination in row])
        for combination, split in whole.items()
    }
    return {**rows, REST: rest}


def hidden_rows(rows: Mapping[str, Row]) -> Set[str]:
    """Return the rows of a table that are hidden.

    Of an undivided table the fewest that will do, the smallest first. A table divided by values is hidden as
    a whole, because its sums over the rows and over the values are shown.
    """
    few = {code for code, row in rows.items() if any(split.few for split in row.values())}
    if not few or any(combination for row in rows.values() for combination in row):
        return rows.keys() if few else set()
    splits = {code: row[_WHOLE] for code, row in rows.items() if _WHOLE in row}
    hidden = set(few)
    for code in sorted(splits.keys() - few, key=lambda one: (splits[one].most, one)):
        if _wide({one: splits[one] for one in hidden}, few):
            break
        hidden.add(code)
    return hidden


def _wide(hidden: Mapping[str, Split], few: Set[str]) -> bool:
    """Return whether each small split could have so many values that add up to what is known of all."""
    total = sum(split.both for split in hidden.values())
    most = sum(split.most for split in hidden.values())
    return all(
        min(hidden[code].most, total) - max(0, total - most + hidden[code].most) >= WIDTH for code in few
    )
