"""Persons who are in two cells at once, kept until one of the cells changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence, Set

from cockpit.cells.counters import NOBODY, Counter
from cockpit.cells.reading_repository import CellReader, Stored

BLOCKS = 500
"""Blocks compared at a time: some megabytes."""
ATTEMPTS = 3
KEPT = 10_000
"""Results kept by a process."""

Versions = tuple[tuple[int, int], ...]


class Overlaps:
    """Count the persons who are in two cells. One for the whole process, which remembers results."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Versions, Versions], int] = OrderedDict()

    async def persons(self, reader: CellReader, left: Sequence[Stored], right: Sequence[Stored]) -> int:
        """Return how many persons are in one of the cells on the left and in one of those on the right."""
        key = _versions(left), _versions(right)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        mine, other = ({cell.cell_id for cell in cells} for cells in (left, right))
        total = 0
        for _ in range(ATTEMPTS):
            total = await self._counted(reader, mine, other)
            if await reader.versions([*mine, *other]) == dict([*key[0], *key[1]]):
                self._keep(key, total)
                break
            # A batch was committed meanwhile: what was read may be of two moments.
            now = await reader.versions([*mine, *other])
            key = (
                tuple(sorted((one, now[one]) for one in mine)),
                tuple(sorted((one, now[one]) for one in other)),
            )
        return total

    async def _counted(self, reader: CellReader, mine: Set[int], other: Set[int]) -> int:
        total, after = 0, -1
        while True:
            counters = await reader.common(sorted(mine), sorted(other), after, BLOCKS)
            if not counters:
                return total
            total += await asyncio.to_thread(_common, counters, mine, other)
            after = max(block for _, block, _ in counters)

    def _keep(self, key: tuple[Versions, Versions], total: int) -> None:
        self._kept[key] = total
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _versions(cells: Sequence[Stored]) -> Versions:
    return tuple(sorted((cell.cell_id, cell.version) for cell in cells))


def _common(counters: Iterable[tuple[int, int, bytes]], mine: Set[int], other: Set[int]) -> int:
    sides: tuple[dict[int, Counter], dict[int, Counter]] = ({}, {})
    for cell, block, packed in counters:
        counter = Counter.unpack(packed)
        for cells, side in zip((mine, other), sides, strict=True):
            if cell in cells:
                side[block] = side.get(block, NOBODY).with_(counter)
    return sum(counter.common(sides[1][block]) for block, counter in sides[0].items() if block in sides[1])
