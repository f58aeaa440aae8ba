"""What a comparison with the counting records refuses: 24 bytes for each row, found again by its identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

import numpy as np

from cockpit.feeds.rules import RowError
from cockpit.intake.seen import Digests, digests_of, places
from contracts.intake import BatchMode


class Record(IntEnum):
    """What there is in the records that count of the record of a row."""

    NONE = 0
    SAME = 1
    OTHER = 2


REFUSED: dict[BatchMode, frozenset[Record]] = {
    BatchMode.NEW: frozenset({Record.SAME, Record.OTHER}),
    BatchMode.CORRECTION: frozenset({Record.NONE, Record.SAME}),
    BatchMode.DELETION: frozenset({Record.NONE, Record.OTHER}),
}
"""Rows that a batch of the mode cannot take in."""


class Refusal(NamedTuple):
    """Why a row is refused; `earlier` is the batch whose record counts."""

    record: Record
    earlier: UUID | None


@dataclass(frozen=True)
class Refused:
    """A refused row, by its identity."""

    key: str
    refusal: Refusal


class Known:
    """Refusals by the identity of the row."""

    def __init__(self) -> None:
        self._pages: list[tuple[Digests, np.ndarray[tuple[int], np.dtype[np.int32]]]] = []
        self._refusals: dict[Refusal, int] = {}
        self._by_number: list[Refusal] = []

    def __len__(self) -> int:
        return sum(len(digests) for digests, _ in self._pages)

    def add(self, refused: Sequence[Refused]) -> None:
        """Add refusals."""
        if not refused:
            return
        digests = digests_of([one.key for one in refused])
        numbers = np.array([self._number(one.refusal) for one in refused], dtype=np.int32)
        order = np.argsort(digests, kind="stable")
        self._pages.append((digests[order], numbers[order]))

    def find(self, digests: Digests) -> Mapping[int, Refusal]:
        """Return the refusals of rows, by their place."""
        self._compact()
        found: dict[int, Refusal] = {}
        for run, numbers in self._pages:
            at, there = places(run, digests)
            for place in np.flatnonzero(there).tolist():
                found[place] = self._by_number[numbers[at[place]]]
        return found

    def earlier(self) -> set[UUID]:
        """Return the batches of the records that count."""
        return {one.earlier for one in self._by_number if one.earlier is not None}

    def _number(self, refusal: Refusal) -> int:
        number = self._refusals.setdefault(refusal, len(self._refusals))
        if number == len(self._by_number):
            self._by_number.append(refusal)
        return number

    def _compact(self) -> None:
        if len(self._pages) > 1:
            digests = np.concatenate([digests for digests, _ in self._pages])
            numbers = np.concatenate([numbers for _, numbers in self._pages])
            order = np.argsort(digests, kind="stable")
            self._pages = [(digests[order], numbers[order])]


def error_of(refusal: Refusal, mode: BatchMode, column: str, named: frozenset[UUID]) -> RowError:
    """Return the error of a refused row. `named` are the batches that every reader of this one may see."""
    which = f"批次 {refusal.earlier} " if refusal.earlier in named else "另一批次"
    if refusal.record is Record.NONE:
        word = "correct" if mode is BatchMode.CORRECTION else "delete"
        reason = f"没有可{mode.label}的记录：该单位没有这一标识的记录计入"
        return RowError(f"nothing_to_{word}", reason, column)
    if refusal.record is Record.SAME:
        return RowError("already_counted", f"与{which}中已计入的记录完全相同，不重复计入", column)
    if mode is BatchMode.DELETION:
        reason = f"与{which}中已计入的记录内容不同，未删除；要删除的行须与其完全一致"
        return RowError("record_differs", reason, column)
    reason = f"{which}中已计入标识相同而内容不同的记录；如要更正，请作为更正批次上传"
    return RowError("record_conflict", reason.strip(), column)
