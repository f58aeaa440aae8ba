"""How many persons are in one, two, or more groups of cells, kept until one of the cells changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cockpit.cells.counters import NOBODY, Counter
from cockpit.cells.reading_repository import CellReader, Stored

BLOCKS = 200
"""Blocks read at a time: with some thirty groups, some megabytes."""
KEPT = 10_000
"""Results kept by a process."""

Key = tuple[tuple[int, int, int], ...]
"""Cells with their versions, and the number of the group of each."""


class Several(NamedTuple):
    """Persons in exactly one, in exactly two, and in three or more groups."""

    one: int = 0
    two: int = 0
    more: int = 0


class Multiples:
    """Count persons by their number of groups. One for the whole process, which remembers results."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Several] = OrderedDict()

    async def persons(self, reader: CellReader, groups: Sequence[Sequence[Stored]]) -> Several:
        """Return how many persons are in how many groups. Cells and counters must be of one moment."""
        key = tuple(
            sorted((cell.cell_id, cell.version, at) for at, cells in enumerate(groups) for cell in cells)
        )
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        group_of = {cell_id: at for cell_id, _, at in key}
        found, after = Several(), -1
        while counters := await reader.some_blocks(sorted(group_of), after, BLOCKS):
            more = await asyncio.to_thread(_counted, counters, group_of)
            found = Several(*(left + right for left, right in zip(found, more, strict=True)))
            after = max(block for _, block, _ in counters)
        self._kept[key] = found
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _counted(counters: Iterable[tuple[int, int, bytes]], group_of: Mapping[int, int]) -> Several:
    sums: dict[tuple[int, int], Counter] = {}
    for cell, block, packed in counters:
        at = block, group_of[cell]
        sums[at] = sums.get(at, NOBODY).with_(Counter.unpack(packed))
    # At least one, two, three groups: one bit for each person.
    first: dict[int, tuple[int, int, int]] = {}
    for (block, _), counter in sums.items():
        one, two, three = first.get(block, (0, 0, 0))
        here = counter.present()
        first[block] = one | here, two | (one & here), three | (two & here)
    counts = [tuple(bits.bit_count() for bits in found) for found in first.values()]
    one, two, three = (sum(count[at] for count in counts) for at in range(3))
    return Several(one - two, two - three, three)
