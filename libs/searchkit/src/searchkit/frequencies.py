"""How frequent tokens are, from PostgreSQL's statistics, and what follows for the way to search.

A search of a frequent token walks through the names in the order of the answer; a search of a rare one reads
the index of tokens and sorts.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, prod, sqrt

from sqlalchemy.ext.asyncio import AsyncSession

from searchkit.matching import Part, statistics
from searchkit.words import FIRST, beginning

_SECONDS = 600.0
WALKED_PER_MATCH = 2.4
"""Reading a match by the index of tokens and sorting it takes as long as walking through so many rows."""
_OF_ONE_WORD = 1.2
_SURE = 2
"""What statistics promise must be so many times as much: they come from a sample and are some minutes old."""
_MARGIN = 1.5
"""A walk must be likely to be so much shorter: it may be in vain."""
LEAST_WALKED, MOST_WALKED = 4000, 16_000
"""Rows after which a walk gives up: as much work as the other way is expected to be, within these bounds.
1,000 rows take a millisecond or a little more.
"""


@dataclass
class _Known:
    rows: float = 0.0
    shares: dict[str, float] = field(default_factory=dict)
    read_at: float = float("-inf")

    def share(self, token: str) -> float:
        return self.shares.get(token, 0.0)

    def matches(self, tokens: frozenset[str]) -> float:
        """Return the likely number of rows that have all tokens.

        It is the mean of what it is if tokens have nothing to do with each other, and if all rows with the
        rarest one have the others, too. Pairs of characters that are as frequent as each other are of one
        word (幼儿, 儿园) and count once.
        """
        shares: list[float] = []
        word = 0.0
        for share, latin in sorted((self.share(token), token.isascii()) for token in tokens):
            if latin or share >= _OF_ONE_WORD * word:
                shares.append(share)
            word = word if latin else share
        return self.rows * sqrt(shares[0] * prod(shares)) if shares else 0.0


class Frequencies:
    """The statistics of this process; read again every ten minutes."""

    def __init__(self) -> None:
        self._tables: dict[str, _Known] = {}

    async def parts(
        self,
        session: AsyncSession,
        table: str,
        alternatives: Iterable[frozenset[str]],
        *,
        within: Sequence[str],
        missing: int,
        one_name: bool,
    ) -> list[Part]:
        """Return how to find `missing` rows with one of `alternatives`, and one of the tokens `within`.

        If rows have `one_name`, in whose order they are, then a walk for a beginning visits only the names
        that begin with such a character.
        """
        known = await self._known(session, table)
        inside = min(1.0, sum(known.share(token) for token in within)) if within else 1.0
        walked: dict[str, list[frozenset[str]]] = defaultdict(list)
        limits: dict[str, float] = defaultdict(float)
        others: list[frozenset[str]] = []
        for tokens in alternatives:
            first, visited = _narrowest(known, tokens) if one_name else ("", 1.0)
            matches = known.matches(tokens) * inside
            otherwise = WALKED_PER_MATCH * matches
            likely = missing * max(known.rows * visited / matches, 1.0) if matches else inf
            limit = min(max(otherwise, LEAST_WALKED), MOST_WALKED)
            if _MARGIN * likely <= min(otherwise, limit):
                walked[first].append(tokens)
                limits[first] = max(limits[first], limit)
            else:
                others.append(tokens)
        found = [
            Part(tuple(walked[first]), walked=int(limits[first]), first=first or None) for first in walked
        ]
        return [*found, Part(tuple(others))] if others else found

    async def surely_more(
        self, session: AsyncSession, table: str, alternatives: Iterable[frozenset[str]], number: int
    ) -> bool:
        """Return whether, by the statistics alone, more than `number` rows have one of `alternatives`.

        Only the share of a single token is known well enough; it must give twice the number.
        """
        known = await self._known(session, table)
        return any(len(tokens) == 1 and known.matches(tokens) >= _SURE * number for tokens in alternatives)

    async def _known(self, session: AsyncSession, table: str) -> _Known:
        known = self._tables.get(table)
        if known is not None and time.monotonic() - known.read_at < _SECONDS:
            return known
        known = self._tables[table] = _Known(*await statistics(session, table), time.monotonic())
        return known


def _narrowest(known: _Known, tokens: Iterable[str]) -> tuple[str, float]:
    """Return the rarest beginning of the names with these tokens and its share; all names without one."""
    marked = {beginning(token) for token in tokens if token.startswith(FIRST)}
    return min(((one, known.share(one)) for one in marked), key=lambda pair: pair[1], default=("", 1.0))
