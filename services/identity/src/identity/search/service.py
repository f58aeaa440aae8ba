"""Searching people and units."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import MembershipRequired
from authkit.principal import Principal
from contracts.vocabulary import Permission
from identity.search.frequencies import Frequencies
from identity.search.index_repository import IndexRepository
from identity.search.indexing import TAIL_PURPOSE, tail_token
from identity.search.models import PersonSearch, UnitSearch
from identity.search.repository import Part, Reach, Search, SearchRepository
from identity.search.words import UNIT, Wanted, parse
from identity.units.models import Unit
from identity.units.service import Units
from identity.vault import Vault

LEADING, OTHERS = "1", "2"
Found = tuple[tuple[Any, ...], Any]
"""The place of a row in the order, and the row."""
Query = Callable[[Search], Awaitable[Sequence[Found]]]


@dataclass(frozen=True)
class FoundPerson:
    """A person in reach, with a unit of theirs that is in reach."""

    sub: UUID
    name: str
    unit_id: UUID
    unit_name: str
    posts: list[str]
    phone_masked: str | None
    key: tuple[Any, ...]


@dataclass(frozen=True)
class FoundUnit:
    """A unit and its place in the answer."""

    unit: Unit
    key: tuple[Any, ...]


class Searches:
    """Searches for one request."""

    def __init__(self, session: AsyncSession, vault: Vault, units: Units, frequencies: Frequencies) -> None:
        self._session = session
        self._vault = vault
        self._units = units
        self._frequencies = frequencies
        self._rows = SearchRepository(session)

    async def people(
        self,
        principal: Principal,
        query: str,
        *,
        unit_id: UUID | None,
        after: tuple[Any, ...] | None,
        limit: int,
    ) -> list[FoundPerson]:
        """Return people of the caller's subtree, or unit, one more than `limit`: names that begin with the
        query first.

        Raises `UnitNotFound`, `OutOfReach`.
        """
        reader = principal.may(Permission.MEMBERS_READ)
        reach = await self._reach(principal, unit_id, reader=reader)
        wanted = parse(query)
        if wanted is None:
            return []
        if wanted.code is not None:
            if wanted.digits is None or not reader:
                return []
            tail = [tail_token(index) for index in self._vault.indexes(TAIL_PURPOSE, wanted.digits)]
            wanted = Wanted((), tuple(frozenset({token}) for token in tail))

        async def one(search: Search) -> list[Found]:
            rows = await self._rows.people(search, reach)
            return [((row.first, row.name, row.account_id), row) for row in rows]

        table = PersonSearch.__tablename__
        rows = await self._phases(
            wanted, table, code=reach.code, one_name=True, after=after, limit=limit, query=one
        )
        return [
            FoundPerson(
                row.account_id,
                row.name,
                row.unit_id,
                row.unit_name,
                list(row.posts),
                row.phone_masked if reader else None,
                key,
            )
            for key, row in rows
        ]

    async def units(
        self, query: str, *, within: UUID | None, after: tuple[Any, ...] | None, limit: int
    ) -> list[FoundUnit]:
        """Return active units, one more than `limit`: names that begin with the query first, in each part the
        higher levels first. Raises `UnitNotFound`.
        """
        code = None if within is None else UNIT + (await self._units.get(within)).code
        wanted = parse(query)
        if wanted is None:
            return []
        if wanted.code is not None:
            position = None if after is None else (after[2],)
            await self._rows.plan(walk=True)
            found = await self._rows.units_by_code(wanted.code, code, position, limit + 1)
            return [FoundUnit(row.Unit, (LEADING, 0, row.Unit.code, row.Unit.id)) for row in found]

        async def one(search: Search) -> list[Found]:
            rows = await self._rows.units(search, code)
            return [((row.rank, row.sorted, row.Unit.id), row) for row in rows]

        table = UnitSearch.__tablename__
        rows = await self._phases(
            wanted, table, code=code, one_name=False, after=after, limit=limit, query=one
        )
        return [FoundUnit(row.Unit, key) for key, row in rows]

    async def _phases(
        self,
        wanted: Wanted,
        table: str,
        *,
        code: str | None,
        one_name: bool,
        after: tuple[Any, ...] | None,
        limit: int,
        query: Query,
    ) -> list[Found]:
        """Return the leading matches, then the others, after a position; one more than `limit`."""
        found: list[Found] = []
        for phase, alternatives in ((LEADING, wanted.leading), (OTHERS, wanted.others)):
            missing = limit + 1 - len(found)
            if not alternatives or missing <= 0 or (after is not None and after[0] > phase):
                continue
            position = after[1:] if after is not None and after[0] == phase else None
            parts = await self._frequencies.parts(
                self._rows, table, alternatives, code=code, missing=missing, one_name=one_name
            )
            # Each part returns the first of its matches, so the first of all are among them.
            rows: dict[tuple[Any, ...], Any] = {}
            for part in parts:
                rows.update(
                    await self._planned(Search(wanted, phase == LEADING, part, position, missing), query)
                )
            found += [((phase, *key), rows[key]) for key in sorted(rows)[:missing]]
        return found

    async def _planned(self, search: Search, query: Query) -> Sequence[Found]:
        """Return the rows of a search. A walk that gave up before the page was full does not count."""
        walk = search.part.walked is not None
        await self._rows.plan(walk=walk)
        rows = await query(search)
        if walk and len(rows) < search.limit:
            return await self._planned(replace(search, part=Part(search.part.alternatives)), query)
        return rows

    async def _reach(self, principal: Principal, unit_id: UUID | None, *, reader: bool) -> Reach:
        acting = principal.acting
        if acting is None:
            raise MembershipRequired
        own = Reach(acting.path, None if reader else acting.unit)
        if unit_id is None or unit_id == acting.unit:
            return own
        unit = await self._units.within_reach(principal, unit_id)
        return Reach(unit.path) if reader else replace(own)


class SearchIndex:
    """What is searched, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._rows = IndexRepository(session)

    async def renew(self) -> None:
        """Index everything anew, in the background: after a change of the keys or of the tokens."""
        await self._rows.queue_everything()
