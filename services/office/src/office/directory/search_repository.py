"""Queries that find units by words."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import UnitStatus
from office.directory.models import Unit, UnitSearch
from searchkit.matching import LAST, Search, has, matches
from searchkit.words import UNIT
from servicekit.lists import total_of
from servicekit.ltree import under
from servicekit.paging import Total
from servicekit.words import inline


class UnitSearchRepository:
    """Find active units at or below a path by their words or their codes."""

    def __init__(self, session: AsyncSession, path: str) -> None:
        self._session = session
        self._path = path

    @property
    def within(self) -> list[str]:
        """Return the token that narrows the index; none for the root, which has all units."""
        first, _, last = self._path.rpartition(".")
        return [UNIT + last] if first else []

    async def by_words(self, search: Search) -> Sequence[Row[Any]]:
        """Return units, those of higher levels first, then by name: `rank`, `sorted` and `Unit`."""
        doc = UnitSearch
        found = matches(search, doc, (doc.rank, doc.name, doc.unit_id), self.within)
        order = (found.c.rank, found.c.name, found.c.unit_id)
        statement = select(found.c.rank, found.c.name.label("sorted"), Unit).select_from(found)
        return await self._present(statement, found.c.unit_id, order, search.limit)

    async def by_code(self, code: str, after: str | None, limit: int) -> Sequence[Row[Any]]:
        """Return units whose code begins with `code`, by code."""
        doc = UnitSearch
        statement = select(doc.rank, doc.code.label("sorted"), Unit).select_from(doc)
        statement = statement.where(doc.code >= code, doc.code < code + LAST)
        if self.within:
            statement = statement.where(has(doc.tokens, frozenset(self.within)).is_(True))
        if after is not None:
            statement = statement.where(doc.code > after)
        return await self._present(statement, doc.unit_id, (doc.code,), limit)

    async def total_by_code(self, code: str) -> Total:
        """Return the number of units whose code begins with `code`."""
        doc = UnitSearch
        rows = select(doc.unit_id).where(doc.code >= code, doc.code < code + LAST)
        if self.within:
            rows = rows.where(has(doc.tokens, frozenset(self.within)).is_(True))
        return await total_of(self._session, rows)

    async def _present(
        self, statement: Select[*tuple[Any, ...]], unit_id: Any, order: tuple[Any, ...], limit: int
    ) -> Sequence[Row[Any]]:
        """Return the units that are there now: one that has moved away or closed is not found."""
        present = (
            statement.join(Unit, Unit.id == unit_id)
            .where(under(Unit.path, self._path), Unit.status == inline(UnitStatus.ACTIVE))
            .order_by(*order)
            .limit(limit)
        )
        return (await self._session.execute(present)).all()
