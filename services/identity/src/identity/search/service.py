"""Searching people and units."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import Permission
from identity.search.errors import UnitRequired
from identity.search.index_repository import IndexRepository
from identity.search.indexing import TAIL_PURPOSE, tail_token
from identity.search.models import PersonSearch, UnitSearch
from identity.search.repository import Reach, SearchRepository
from identity.units.models import Unit
from identity.units.service import Units
from identity.vault import Vault
from searchkit.frequencies import Frequencies
from searchkit.matching import Search, plan
from searchkit.phases import LEADING, Found, Phases, phase
from searchkit.words import UNIT, Wanted, parse
from servicekit.lists import Listed
from servicekit.paging import PageRequest, Total, cut


@dataclass(frozen=True)
class FoundPerson:
    """A person in reach, with a unit of theirs that is in reach."""

    sub: UUID
    name: str
    unit_id: UUID
    unit_name: str
    posts: list[str]
    phone_masked: str | None


_NOTHING: Listed[FoundPerson] = Listed([], None, Total.of(0))


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
        paging: PageRequest,
    ) -> Listed[FoundPerson]:
        """Return people of the caller's subtree, or unit: names that begin with the query first. An
        administrator of the platform names a unit, and finds people there and below.

        Raises `UnitRequired`, `UnitNotFound`, `OutOfReach`, `BadCursor`.
        """
        after = paging.key(phase, str, str, UUID)
        reader = principal.may(Permission.MEMBERS_READ)
        masked = reader or principal.may(Permission.PLATFORM_ACCOUNTS)
        reach = await self._reach(principal, unit_id, reader=reader)
        wanted = parse(query)
        if wanted is None:
            return _NOTHING
        if wanted.code is not None:
            if wanted.digits is None or not reader:
                return _NOTHING
            tail = [tail_token(index) for index in self._vault.indexes(TAIL_PURPOSE, wanted.digits)]
            wanted = Wanted((), tuple(frozenset({token}) for token in tail))

        async def one(search: Search) -> list[Found]:
            rows = await self._rows.people(search, reach)
            return [((row.first, row.name, row.account_id), row) for row in rows]

        table = PersonSearch.__tablename__
        phases = Phases(self._session, self._frequencies, table, one_name=True)
        within = [] if reach.code is None else [reach.code]
        rows = await phases.find(wanted, one, within=within, after=after, limit=paging.limit)
        found = cut(rows, paging.limit, lambda place: place[0])
        only = len(found.items) if after is None and found.next is None else None
        if reach.unit_id is not None and only is None:
            # The index knows whose people are of a unit or of those below it only.
            total = await self._rows.total_of_unit(wanted, reach.unit_id)
        else:
            total = await phases.total(wanted, PersonSearch, within=within, shown=only)
        people = [
            FoundPerson(
                row.account_id,
                row.name,
                row.unit_id,
                row.unit_name,
                list(row.posts),
                row.phone_masked if masked else None,
            )
            for _, row in found.items
        ]
        return Listed(people, found.next, total)

    async def units(self, query: str, *, within: UUID | None, paging: PageRequest) -> Listed[Unit]:
        """Return active units: names that begin with the query first, in each part the higher levels first.

        Raises `UnitNotFound`, `BadCursor`.
        """
        after = paging.key(phase, int, str, UUID)
        code = None if within is None else UNIT + (await self._units.get(within)).code
        wanted = parse(query)
        if wanted is None:
            return Listed([], None, Total.of(0))
        if wanted.code is not None:
            position = None if after is None else (after[2],)
            await plan(self._session, walk=True)
            by_code = await self._rows.units_by_code(wanted.code, code, position, paging.limit + 1)
            part = cut(by_code, paging.limit, lambda row: (LEADING, 0, row.Unit.code, row.Unit.id))
            total = await self._rows.total_by_code(wanted.code, code)
            return Listed([row.Unit for row in part.items], part.next, total)

        async def one(search: Search) -> list[Found]:
            rows = await self._rows.units(search, code)
            return [((row.rank, row.sorted, row.Unit.id), row) for row in rows]

        table = UnitSearch.__tablename__
        phases = Phases(self._session, self._frequencies, table, one_name=False)
        within_codes = [] if code is None else [code]
        rows = await phases.find(wanted, one, within=within_codes, after=after, limit=paging.limit)
        found = cut(rows, paging.limit, lambda place: place[0])
        only = len(found.items) if after is None and found.next is None else None
        total = await phases.total(wanted, UnitSearch, within=within_codes, shown=only)
        return Listed([row.Unit for _, row in found.items], found.next, total)

    async def _reach(self, principal: Principal, unit_id: UUID | None, *, reader: bool) -> Reach:
        acting = principal.acting
        if acting is None:
            if unit_id is None:
                raise UnitRequired
            return Reach((await self._units.get(unit_id)).path)
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
