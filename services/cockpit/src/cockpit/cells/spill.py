"""What a load changes, in bounded memory: sorted runs on disk, merged when they are applied.

A national file changes most cells of all counties, and each change has counters of persons. Changes are kept
in memory up to a limit. Then they are written in the order in which cells are locked, and the next run
begins. Reading merges the runs: a cell that occurs in several is given once.
"""

import heapq
import json
import os
import struct
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from itertools import groupby
from typing import Any

from cockpit.cells.counters import Counter
from cockpit.cells.rules import CellKey, Delta

MOST = 100_000
"""Cells and counters in memory: a counter has a kilobyte and more."""
_LENGTHS = struct.Struct("<II")


class Changes:
    """The changes of a load by cell. `close` deletes what is on disk, as does the end of the object."""

    def __init__(self) -> None:
        self._held: dict[CellKey, Delta] = {}
        self._size = 0
        self._file: Any = None
        self._runs: list[tuple[int, int]] = []
        self.cells = 0
        """Changed cells, those of several runs counted in each."""

    def add(self, key: CellKey, delta: Delta) -> None:
        """Add a change; the one given must not be changed any more, and stays as it is."""
        held = self._held.get(key)
        if held is None:
            self._held[key] = delta
            self._size += 1 + len(delta.persons)
            self.cells += 1
        else:
            whole = self._held[key] = held + delta
            self._size += len(whole.persons) - len(held.persons)

    def spill(self) -> None:
        """Write what is held to disk if it is much. Blocks."""
        if self._size < MOST:
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="zhuxue-")  # noqa: SIM115 - closed by the finalizer
            weakref.finalize(self, self._file.close)
        begin = self._file.tell()
        for key, delta in sorted(self._held.items()):
            self._file.write(_packed(key, delta))
        self._file.flush()
        self._runs.append((begin, self._file.tell()))
        self._held, self._size = {}, 0

    def ordered(self) -> Iterator[tuple[CellKey, Delta]]:
        """Yield each changed cell once, in the order in which cells are locked. Blocks."""
        held = iter(sorted(self._held.items()))
        if not self._runs:
            yield from held
            return
        runs = [self._read(begin, end) for begin, end in self._runs]
        with closing(heapq.merge(*runs, held, key=lambda change: change[0])) as merged:
            for key, same in groupby(merged, key=lambda change: change[0]):
                whole = Delta()
                for _, delta in same:
                    whole.add(delta)
                yield key, whole

    def close(self) -> None:
        """Delete what is on disk."""
        if self._file is not None:
            self._file.close()
        self._runs = []

    def _read(self, begin: int, end: int) -> Iterator[tuple[CellKey, Delta]]:
        file, at = self._file.fileno(), begin
        while at < end:
            head, body = _LENGTHS.unpack(os.pread(file, _LENGTHS.size, at))
            at += _LENGTHS.size
            raw = os.pread(file, head + body, at)
            at += head + body
            yield _unpacked(raw, head)


def _packed(key: CellKey, delta: Delta) -> bytes:
    """Return a change as bytes. Not compressed: that was a third of the time of a large load."""
    body: list[bytes] = []
    counters = []
    for block, counter in delta.persons.items():
        slices = [
            one.to_bytes((one.bit_length() + 7) // 8, "little") for one in (*counter.plus, *counter.minus)
        ]
        body += slices
        counters.append([block, len(counter.plus), *map(len, slices)])
    head = json.dumps([*key, str(delta.amount), delta.times, str(delta.weight), counters]).encode()
    return _LENGTHS.pack(len(head), sum(map(len, body))) + head + b"".join(body)


def _unpacked(raw: bytes, head: int) -> tuple[CellKey, Delta]:
    *key, amount, times, weight, counters = json.loads(raw[:head])
    delta, at = Delta(Decimal(amount), times, Decimal(weight)), head
    for block, plus, *lengths in counters:
        slices = []
        for length in lengths:
            slices.append(int.from_bytes(raw[at : at + length], "little"))
            at += length
        delta.persons[block] = Counter(tuple(slices[:plus]), tuple(slices[plus:]))
    return CellKey(*key), delta
