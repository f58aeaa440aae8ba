"""A page of a search: the leading matches, then the others, each part found in the way that is quicker."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from searchkit.frequencies import Frequencies
from searchkit.matching import Part, Search, all_matches, plan
from searchkit.words import Wanted
from servicekit.lists import total_of
from servicekit.paging import Total

LEADING, OTHERS = "1", "2"
MOST_FOUND = 1000
"""Matches are counted up to this number. They lie all over the table, so that each counted one is a page that
is visited: ten times as many took two thirds of the slowest searches. Whoever finds more adds a word.
"""
Found = tuple[tuple[Any, ...], Any]
"""The place of a row in the order, and the row."""
Query = Callable[[Search], Awaitable[Sequence[Found]]]


def phase(text: str) -> str:
    """Return the first part of a cursor. Raises ValueError for anything else."""
    if text not in (LEADING, OTHERS):
        raise ValueError(text)
    return text


class Phases:
    """Searches of one table within one transaction."""

    def __init__(
        self, session: AsyncSession, frequencies: Frequencies, table: str, *, one_name: bool
    ) -> None:
        """With `one_name`, rows are in the order of the only name by which they are found."""
        self._session = session
        self._frequencies = frequencies
        self._table = table
        self._one_name = one_name

    async def find(
        self,
        wanted: Wanted,
        query: Query,
        *,
        within: Sequence[str] = (),
        after: tuple[Any, ...] | None,
        limit: int,
    ) -> list[Found]:
        """Return the matches after a position, one more than `limit`; places begin with the phase."""
        found: list[Found] = []
        others = wanted.others
        if wanted.begins is not None and not self._one_name:
            # A second name may begin with the words.
            others = (*others, *wanted.leading)
        for phase, alternatives in ((LEADING, wanted.leading), (OTHERS, others)):
            missing = limit + 1 - len(found)
            if not alternatives or missing <= 0 or (after is not None and after[0] > phase):
                continue
            position = after[1:] if after is not None and after[0] == phase else None
            parts = await self._frequencies.parts(
                self._session,
                self._table,
                alternatives,
                within=within,
                missing=missing,
                one_name=self._one_name,
            )
            # Each part returns the first of its matches, so the first of all are among them.
            rows: dict[tuple[Any, ...], Any] = {}
            for part in parts:
                search = Search(wanted, phase == LEADING, part, position, missing)
                rows.update(await self._planned(search, query))
            found += [((phase, *key), rows[key]) for key in sorted(rows)[:missing]]
        return found

    async def total(
        self, wanted: Wanted, doc: Any, *, within: Sequence[str] = (), shown: int | None = None
    ) -> Total:
        """Return how many rows match, counted up to `MOST_FOUND`. `shown`: the rows of the only page, if
        there is only one.

        Where statistics say that there are more than are counted, nothing is counted.
        """
        if shown is not None:
            return Total.of(shown, MOST_FOUND)
        if await self.surely_more(wanted, MOST_FOUND, within=within):
            return Total.of(MOST_FOUND + 1, MOST_FOUND)
        await plan(self._session, walk=False)
        return await total_of(self._session, all_matches(wanted, doc, within), MOST_FOUND)

    async def surely_more(self, wanted: Wanted, number: int, *, within: Sequence[str] = ()) -> bool:
        """Return whether more than `number` rows match, as far as statistics can say without counting."""
        alternatives = (*wanted.leading, *wanted.others)
        return not within and await self._frequencies.surely_more(
            self._session, self._table, alternatives, number
        )

    async def _planned(self, search: Search, query: Query) -> Sequence[Found]:
        """Return the rows of a search. A walk that gave up before the page was full does not count."""
        walk = search.part.walked is not None
        await plan(self._session, walk=walk)
        rows = await query(search)
        if walk and len(rows) < search.limit:
            return await self._planned(replace(search, part=Part(search.part.alternatives)), query)
        return rows
