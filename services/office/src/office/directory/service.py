"""What the other features ask of the directory, and the reading API."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from office.actors import Actor
from office.directory import repository, rules
from office.directory.errors import UnitInactive, UnitNotReplicated
from office.directory.models import Unit
from servicekit.paging import Cut, PageRequest, cut
from servicekit.problems import NotFound


async def own_unit(session: AsyncSession, actor: Actor) -> Unit:
    """Return the unit the actor acts for. Raises `UnitNotReplicated` (503), `UnitInactive` (403)."""
    unit = await repository.get(session, actor.unit_id)
    if unit is None:
        raise UnitNotReplicated
    if not unit.is_active:
        raise UnitInactive
    return unit


async def reachable_unit(session: AsyncSession, actor: Actor, unit_id: UUID) -> Unit:
    """Return the actor's unit or one below it. Raises `NotFound` (404), `OutOfReach` (403)."""
    unit = await repository.get(session, unit_id)
    if unit is None:
        raise NotFound
    if not actor.reaches(unit.path):
        raise OutOfReach
    return unit


async def count_children(session: AsyncSession, unit: Unit) -> int:
    """How many active units stand directly below `unit`."""
    return await repository.count_children(session, unit.id)


async def list_units(
    session: AsyncSession, actor: Actor, paging: PageRequest, *, under: UUID | None, words: str | None
) -> Cut[Unit]:
    """Active units at or below `under` (the actor's own unit when None). Raises as `reachable_unit` does."""
    path = actor.acting.path
    if under is not None:
        path = (await reachable_unit(session, actor, under)).path
    units = await repository.page_below(
        session, path, words=words, after=path_after(paging), limit=paging.limit + 1
    )
    return cut(units, paging.limit, lambda unit: [unit.path])


def path_after(paging: PageRequest) -> str | None:
    """Return the path in the cursor of a list that is sorted by path. Raises `BadCursor`."""
    key = paging.key(rules.path)
    return None if key is None else str(key[0])
