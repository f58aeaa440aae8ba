"""Coverage, for the publisher and every unit on the way, each of its own subtree."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.coverage import repository
from office.coverage.repository import Blocker, Missing, People, Tally
from office.directory import service as directory
from office.directory.models import Unit
from office.notices import service as notices
from servicekit.paging import Cut, PageRequest, cut
from servicekit.problems import NotFound

BLOCKERS_SHOWN = 100


@dataclass(frozen=True)
class Coverage:
    """How far a notice has come within `scope`."""

    notice_id: UUID
    scope: Unit
    as_of: datetime
    branches: list[Tally]
    blocking_count: int
    blocking: list[Blocker]
    missing: Cut[Missing]
    people: People


async def coverage(
    session: AsyncSession,
    actor: Actor,
    notice_id: UUID,
    under: UUID | None,
    paging: PageRequest,
    now: datetime,
) -> Coverage:
    """Return the coverage of `under` (the actor's own unit when None).

    Raises `NotFound` for a unit that does not have the notice, `OutOfReach` for a subtree that is not the
    actor's. A withdrawn notice has coverage for its publisher only; a draft has none.
    """
    await repository.see_one_snapshot(session)
    unit = await directory.own_unit(session, actor)
    notice, delivery = await notices.visible(session, actor, unit, notice_id)
    if notice.status == "draft" or (notice.status == "withdrawn" and delivery is not None):
        raise NotFound
    scope = unit if under is None else await directory.reachable_unit(session, actor, under)
    after = directory.path_after(paging)
    missing = await repository.missing(session, notice, scope, after=after, limit=paging.limit + 1)
    blocking_count, blocking = await repository.blockers(session, notice, scope, limit=BLOCKERS_SHOWN)
    return Coverage(
        notice_id=notice.id,
        scope=scope,
        as_of=now,
        branches=await repository.tallies(session, notice, scope),
        blocking_count=blocking_count,
        blocking=blocking,
        missing=cut(missing, paging.limit, lambda row: [row.path]),
        people=await repository.people(session, notice, scope),
    )
