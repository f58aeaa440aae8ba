"""Units: checks of reach, and the read API."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from office.actors import Actor
from office.directory import rules
from office.directory.errors import UnitInactive
from office.directory.models import FormerPlace, Unit
from office.directory.repository import UnitRepository
from replica.errors import UnitNotReplicated
from servicekit.paging import Cut, PageRequest, cut
from servicekit.problems import NotFound


class Units:
    """Read units within one request."""

    def __init__(self, session: AsyncSession) -> None:
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
    ) -> Cut[Unit]:
        """Return active units at or below `under` (the actor's own unit when None).

        Raises as `reachable` does, and `BadCursor`.
        """
        top = await (self.own(actor) if under is None else self.reachable(actor, under))
        after = paging.key(rules.path)
        units = await self._units.below(
            top.path, words=words, after=None if after is None else str(after[0]), limit=paging.limit + 1
        )
        return cut(units, paging.limit, lambda unit: [unit.path])
