"""How frequent tokens are, from PostgreSQL's statistics.

A search of a frequent token walks through the names in the order of the answer; a search of a rare one reads
the index of tokens and sorts.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from identity.search.repository import SearchRepository

_SECONDS = 600.0
WALK_FROM = 24
"""Walking reads about 20 × rows ÷ matches rows and compares each with all alternatives; the other plan reads
and sorts all matches. Walking is faster if the square of the matches is at least so many times the rows.
"""


@dataclass
class _Known:
    rows: float = 0.0
    shares: dict[str, float] = field(default_factory=dict)
    read_at: float = float("-inf")


class Frequencies:
    """The statistics of this process; read again every ten minutes."""

    def __init__(self) -> None:
        self._tables: dict[str, _Known] = {}

    async def many(
        self, rows: SearchRepository, table: str, alternatives: Sequence[frozenset[str]], code: str | None
    ) -> bool:
        """Return whether a search for one of `alternatives` in a subtree has many matches."""
        known = await self._known(rows, table)
        share = sum(min((known.shares.get(token, 0.0) for token in one), default=0.0) for one in alternatives)
        if code is not None:
            share *= known.shares.get(code, 0.0)
        matches, compared = known.rows * share, (1 + 2 * len(alternatives)) / 3
        return matches**2 >= WALK_FROM * known.rows * compared

    async def _known(self, rows: SearchRepository, table: str) -> _Known:
        known = self._tables.get(table)
        if known is not None and time.monotonic() - known.read_at < _SECONDS:
            return known
        known = self._tables[table] = _Known(*await rows.statistics(table), time.monotonic())
        return known
