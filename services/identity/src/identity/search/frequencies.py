"""How frequent tokens are, from PostgreSQL's statistics.

A search of a frequent token walks through the names in the order of the answer; a search of a rare one reads
the index of tokens and sorts.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_SECONDS = 600.0
_STATISTICS = text(
    "SELECT most_common_elems::text::text[] AS tokens, most_common_elem_freqs AS shares"
    " FROM pg_stats WHERE schemaname = current_schema() AND tablename = :table AND attname = 'tokens'"
)
_ROWS = text("SELECT reltuples FROM pg_class WHERE oid = to_regclass(:table)")
WALK_FROM = 3000
"""With at least so many matches to expect, walking finds a page sooner than sorting all of them."""


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
        self, session: AsyncSession, table: str, alternatives: Iterable[frozenset[str]], code: str | None
    ) -> bool:
        """Return whether a search for one of `alternatives` in a subtree has many matches."""
        known = await self._known(session, table)
        share = sum(min((known.shares.get(token, 0.0) for token in one), default=0.0) for one in alternatives)
        if code is not None:
            share *= known.shares.get(code, 0.0)
        return known.rows * share >= WALK_FROM

    async def _known(self, session: AsyncSession, table: str) -> _Known:
        known = self._tables.get(table)
        if known is not None and time.monotonic() - known.read_at < _SECONDS:
            return known
        row = (await session.execute(_STATISTICS, {"table": table})).first()
        rows = await session.scalar(_ROWS, {"table": table}) or 0.0
        shares = {} if row is None or row.tokens is None else dict(zip(row.tokens, row.shares, strict=False))
        known = self._tables[table] = _Known(rows, shares, time.monotonic())
        return known
