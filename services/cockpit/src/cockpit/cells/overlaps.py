"""Persons who are in two cells at once, kept until one of the cells changes."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cockpit.cells.counters import NOBODY, Counter
from cockpit.cells.reading_repository import CellReader

COUNTERS = 2_000
"""Counters read at a time: some megabytes."""
FEW = 100_000
"""Persons whose counters are read at once, whatever their number: a sparse counter is small."""
KEPT = 50_000
"""Results kept by a process."""

Versions = tuple[tuple[int, int], ...]
"""Cells with their versions, ascending."""
Counters = Iterable[tuple[int, int, bytes]]


class Side(NamedTuple):
    """Cells whose persons count together: ids and versions, and how many persons they have at most."""

    cells: Versions
    persons: int


Pair = tuple[Side, Side]
_Key = tuple[Versions, Versions]


class Overlaps:
    """Count the persons who are in two cells. One for the whole process, which remembers results."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, int] = OrderedDict()

    async def persons(self, reader: CellReader, pairs: Sequence[Pair]) -> list[int]:
        """Return for each pair how many persons are on both sides.

        `reader` must see the cells at the moment of the versions given. Each counter is read and unpacked
        once, however many pairs it is in.
        """
        keys = [(left.cells, right.cells) for left, right in pairs]
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in self._kept}
        found = await self._counted(reader, missing)
        for key in keys:
            if key in self._kept:
                self._kept.move_to_end(key)
                found[key] = self._kept[key]
        for key in missing:
            self._kept[key] = found[key]
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return [found[key] for key in keys]

    async def _counted(self, reader: CellReader, pairs: dict[_Key, Pair]) -> dict[_Key, int]:
        totals = dict.fromkeys(pairs, 0)
        few: list[_Key] = []
        persons = 0
        for group in _groups(pairs):
            size = sum(side.persons for side in {side for key in group for side in pairs[key]})
            if size > FEW:
                await self._add(reader, group, totals, whole=False)
                continue
            if persons + size > FEW:
                await self._add(reader, few, totals, whole=True)
                few, persons = [], 0
            few += group
            persons += size
        if few:
            await self._add(reader, few, totals, whole=True)
        return totals

    async def _add(
        self, reader: CellReader, keys: Sequence[_Key], totals: dict[_Key, int], *, whole: bool
    ) -> None:
        """Add the common persons of some pairs, block by block, or all blocks at once."""
        cells = sorted({cell for key in keys for side in key for cell, _ in side})
        blocks = None if whole else max(1, COUNTERS // len(cells))
        after = -1
        while True:
            counters = await reader.blocks(cells, after, blocks)
            if counters:
                for key, count in (await asyncio.to_thread(_common, counters, keys)).items():
                    totals[key] += count
                after = max(block for _, block, _ in counters)
            if blocks is None or not counters:
                return


def _groups(pairs: Iterable[_Key]) -> Iterator[list[_Key]]:
    """Yield pairs together that have cells in common."""
    of: dict[int, list[_Key]] = {}
    for key in pairs:
        cells = {cell for side in key for cell, _ in side}
        joined = [key]
        for group in {id(of[cell]): of[cell] for cell in cells if cell in of}.values():
            joined += group
        for one in joined:
            for side in one:
                of.update((cell, joined) for cell, _ in side)
    yield from {id(group): group for group in of.values()}.values()


def _common(counters: Counters, keys: Sequence[_Key]) -> dict[_Key, int]:
    blocks: defaultdict[int, dict[int, bytes]] = defaultdict(dict)
    for cell, block, packed in counters:
        blocks[block][cell] = packed
    totals = dict.fromkeys(keys, 0)
    for packed_of in blocks.values():
        present: dict[Versions, int] = {}
        counter_of: dict[int, Counter] = {}
        for key in keys:
            if all(any(cell in packed_of for cell, _ in side) for side in key):
                left, right = (_present(side, packed_of, counter_of, present) for side in key)
                totals[key] += (left & right).bit_count()
    return totals


def _present(
    side: Versions, packed_of: dict[int, bytes], counter_of: dict[int, Counter], known: dict[Versions, int]
) -> int:
    """Return the persons of a block who are on a side, as bits."""
    found = known.get(side)
    if found is None:
        whole = NOBODY
        for cell, _ in side:
            if cell in packed_of:
                if cell not in counter_of:
                    counter_of[cell] = Counter.unpack(packed_of[cell])
                whole = whole.with_(counter_of[cell])
        found = known[side] = whole.present()
    return found
