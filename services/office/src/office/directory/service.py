"""Units: checks of reach, and the read API. What people may do who are not the caller."""

import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from contracts.identity import PersonMembership
from office.actors import Actor
from office.directory.errors import UnitInactive
from office.directory.models import FormerPlace, Person, Unit, UnitSearch
from office.directory.repository import RoleRepository, UnitRepository
from office.directory.search_repository import UnitSearchRepository
from replica.errors import UnitNotReplicated
from searchkit.frequencies import Frequencies
from searchkit.matching import Search, plan
from searchkit.phases import LEADING, Found, Phases, phase
from searchkit.words import parse
from servicekit.ltree import path_of
from servicekit.paging import Cut, PageRequest, Total, cut
from servicekit.problems import NotFound


@dataclass(frozen=True)
class ListedUnit:
    """A unit, and the units above it that are known, the highest first."""

    unit: Unit
    ancestors: Sequence[Unit]


class Units:
    """Read units within one request."""

    def __init__(self, session: AsyncSession, frequencies: Frequencies | None = None) -> None:
        """Only a search needs `frequencies`, which a process keeps."""
        self._session = session
        self._frequencies = frequencies or Frequencies()
        self._units = UnitRepository(session)

    async def get(self, unit_id: UUID) -> Unit | None:
        """Return the unit in any status, for its name. Does not check reach."""
        return await self._units.get(unit_id)

    async def own(self, actor: Actor) -> Unit:
        """Return the unit the actor acts for. Raises `UnitNotReplicated` (503), `UnitInactive` (403)."""
        unit = await self._units.get(actor.unit_id)
        if unit is None:
            raise UnitNotReplicated
        if not unit.is_active:
            raise UnitInactive
        return unit

    async def reachable(self, actor: Actor, unit_id: UUID) -> Unit:
        """Return the actor's unit or one below it.

        Raises `NotFound` (404), `OutOfReach` (403), and as `own` does.
        """
        await self.own(actor)
        unit = await self._units.get(unit_id)
        if unit is None:
            raise NotFound
        if not actor.reaches(unit.path):
            raise OutOfReach
        return unit

    async def names(self, people: Iterable[UUID]) -> dict[UUID, str]:
        """Return the names of people who are known here, by their identifiers."""
        return await self._units.names(people)

    async def person(self, sub: UUID) -> Person | None:
        """Return a person in any status."""
        return await self._units.person(sub)

    async def of_ids(self, ids: Iterable[UUID]) -> dict[UUID, Unit]:
        """Return units in any status by their identifiers. Does not check reach."""
        return await self._units.of_ids(ids)

    async def former_places(self, unit: Unit) -> Sequence[FormerPlace]:
        """Return the former places of the unit, ordered by date."""
        return await self._units.former_places(unit.id)

    async def path_at(self, unit_id: UUID, at: datetime) -> str | None:
        """Return the path of the unit at `at`; None if it did not exist or is not replicated yet."""
        unit = await self._units.get(unit_id)
        if unit is None or unit.placed_at is None or unit.placed_at <= at:
            return None if unit is None else unit.path
        places = await self._units.former_places(unit_id)
        return next((place.path for place in places if place.valid_from <= at < place.valid_to), None)

    async def count_children(self, unit: Unit) -> int:
        """Return the number of active units directly below `unit`."""
        return await self._units.count_children(unit.id)

    async def list(
        self, actor: Actor, paging: PageRequest, *, under: UUID | None, words: str | None
    ) -> tuple[Cut[ListedUnit], Total]:
        """Return active units at or below `under` (the actor's own unit when None), and their number.

        Without `words` in the order of their paths, else those that begin with the words first, in each part
        the higher levels first. Raises as `reachable` does, and `BadCursor`.
        """
        top = await (self.own(actor) if under is None else self.reachable(actor, under))
        if words is not None:
            return await self._search(top, words, paging)
        after = paging.key(path_of)
        units = await self._units.below(
            top.path, after=None if after is None else str(after[0]), limit=paging.limit + 1
        )
        found = cut(units, paging.limit, lambda unit: [unit.path])
        total = Total.of(await self._units.count_below(top.path))
        return Cut(await self.listed(found.items), found.next), total

    async def listed(self, units: Sequence[Unit]) -> builtins.list[ListedUnit]:
        """Return units with those above them, the highest first."""
        paths = [unit.path.split(".")[:-1] for unit in units]
        known = await self._units.by_codes(code for path in paths for code in path)
        return [
            ListedUnit(unit, [known[code] for code in path if code in known])
            for unit, path in zip(units, paths, strict=True)
        ]

    async def _search(self, top: Unit, words: str, paging: PageRequest) -> tuple[Cut[ListedUnit], Total]:
        after = paging.key(phase, int, str, UUID)
        wanted = parse(words)
        if wanted is None:
            return Cut([], None), Total.of(0)
        rows = UnitSearchRepository(self._session, top.path)
        if wanted.code is not None:
            await plan(self._session, walk=True)
            units = await rows.by_code(wanted.code, None if after is None else after[2], paging.limit + 1)
            page = cut(units, paging.limit, lambda row: (LEADING, 0, row.Unit.code, row.Unit.id))
            listed = await self.listed([row.Unit for row in page.items])
            return Cut(listed, page.next), await rows.total_by_code(wanted.code)

        async def query(search: Search) -> Sequence[Found]:
            return [((row.rank, row.sorted, row.Unit.id), row.Unit) for row in await rows.by_words(search)]

        phases = Phases(self._session, self._frequencies, UnitSearch.__tablename__, one_name=False)
        places = await phases.find(wanted, query, within=rows.within, after=after, limit=paging.limit)
        found = cut(places, paging.limit, lambda place: place[0])
        only = len(found.items) if after is None and found.next is None else None
        total = await phases.total(wanted, UnitSearch, within=rows.within, shown=only)
        return Cut(await self.listed([unit for _, unit in found.items]), found.next), total


class Allowances:
    """What people may do in their units, by the replica; a caller's own permissions are in the token."""

    def __init__(self, session: AsyncSession) -> None:
        self._roles = RoleRepository(session)
        self._known: dict[str, frozenset[str]] | None = None

    async def holdings(self, membership: PersonMembership) -> frozenset[str]:
        """Return the permissions and the roles of a membership."""
        if self._known is None:
            self._known = await self._roles.allowed()
        roles = frozenset(membership.roles)
        return roles.union(*(self._known.get(role, frozenset()) for role in roles))
