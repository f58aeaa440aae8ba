"""Which cells of a table of places are hidden. Pure; the rule and its limits are in docs/adr/0037.

A table holds the places directly below one place (its rows) in one year: for each kept combination of
dimension values the persons of the whole year, and of its parts (terms, months). The sums over the rows are
the cells of the place above, which were decided before. Everything is decided for the table as a whole and
from nothing but its cells, so a cell is hidden or shown whichever question asks for it.

A cell with 1 to 4 persons is hidden. It stays hidden against sums and differences by a *swap*: persons move
between two rows and between two combinations so that no shown sum changes. Every cell that the swap changes
is hidden, too, and the swap is large enough that the hidden count could be any of `WIDTH + 1` values.
"""

from collections.abc import Collection, Iterable, Mapping

from cockpit.disclosure.swaps import Swaps
from cockpit.disclosure.tables import OPEN, Columns, Hidden, Need, Place, is_small


def decide(
    rows: Mapping[str, Place],
    groupings: Collection[frozenset[str]],
    *,
    above: Columns = OPEN,
    alone: bool = False,
    implied: Mapping[tuple[str, str], tuple[str, str]] | None = None,
) -> Hidden:
    """Return the hidden cells of a table.

    `alone`: the table is the viewer's own place, and nothing above it is shown. `implied` has the value of a
    further dimension that follows from a value (the sector from the stage).
    """
    hidden = Hidden(above)
    if above.closed:
        return hidden
    needs = sorted(_needs(rows), key=lambda need: (len(need.combination), need.key))
    for need in needs:
        hidden.parts.add((need.code, need.combination))
        if need.part is None:
            hidden.whole.add((need.code, need.combination))
    swaps = Swaps(rows, groupings, implied or {}, hidden, alone=alone)
    for move in above.moves:
        swaps.allow(move)
    for need in needs:
        if hidden.closed:
            break
        if not swaps.moves_anyway(need):
            swaps.protect(need)
    return hidden


def _needs(rows: Mapping[str, Place]) -> Iterable[Need]:
    for code, place in rows.items():
        for combination, persons in place.whole.items():
            if is_small(persons):
                yield Need(code, combination, None)
        for periods in (place.parts, place.overlaps):
            for combination, persons_of in periods.items():
                for part, inside in persons_of.items():
                    if is_small(inside):
                        yield Need(code, combination, part)
