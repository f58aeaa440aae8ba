"""The identities of the rows of a load, to find rows that are there twice: 16 bytes for each row."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Digests = NDArray[Any]


def digests_of(keys: Sequence[str]) -> Digests:
    """Return 16 bytes for each key: of 10⁹ keys, two share them with probability 10⁻²¹."""
    joined = b"".join(blake2b(key.encode(), digest_size=16).digest() for key in keys)
    return np.frombuffer(joined, dtype="V16").view("S16")


def places(run: Digests, digests: Digests) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where each digest is in a sorted run that is not empty, and whether it is there at all."""
    at = np.minimum(np.searchsorted(run, digests), len(run) - 1)
    return at, run[at] == digests


class Seen:
    """Sorted runs of digests, each at most half as long as the one before it."""

    def __init__(self) -> None:
        self._runs: list[Digests] = []

    def add(self, digests: Digests) -> NDArray[np.bool_]:
        """Add digests; return which of them were there before, earlier ones of `digests` included."""
        order = np.argsort(digests, kind="stable")
        ordered = digests[order]
        again = np.zeros(len(digests), dtype=np.bool_)
        again[order[1:][ordered[1:] == ordered[:-1]]] = True
        for run in self._runs:
            again |= places(run, digests)[1]
        fresh = ordered[~again[order]]
        if len(fresh):
            self._runs.append(fresh)
        while len(self._runs) > 1 and len(self._runs[-1]) * 2 > len(self._runs[-2]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate((self._runs[-1], last)))
        return again
