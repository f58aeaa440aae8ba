"""Events about units: one for a unit, batches for a subtree.

A large subtree is announced by a job, in the transactions of its checkpoints: the move itself stays short. An
event carries the state of its units when it is written; the newest version wins, so it does not matter that a
unit has changed again in the meantime.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import FormerName, UnitChangedV1, UnitPlace, UnitsChangedV1
from identity.base import job_queue, outbox
from identity.units.history import Place, names, places
from identity.units.models import Unit
from identity.units.repository import UnitRepository
from jobs.job import Job
from jobs.kinds import Handler, Kind

BATCH = 500
"""Units in one event."""


class Subtrees(BaseModel):
    """Subtrees to announce, by the paths of their roots, and the expected number of units."""

    paths: list[str]
    units: int


class Reached(BaseModel):
    """The number of announced subtrees, the last announced unit of the next one, and the units so far."""

    subtrees: int = 0
    path: str | None = None
    units: int = 0


ANNOUNCE = Kind("identity.units.announce", Subtrees, concurrency=2, stall=timedelta(minutes=5))


def unit_changed(unit: Unit, states: Sequence[Place]) -> UnitChangedV1:
    """Return the event for the current state of `unit`, with its history `states`."""
    *former, present = places(states)
    ends = [place.since for place in [*former, present]][1:]
    named = names(states)
    return UnitChangedV1(
        unit_id=unit.id,
        code=unit.code,
        name=unit.name,
        short_name=unit.short_name,
        level=unit.level,
        kind=unit.kind,
        stages=unit.stages,
        region_code=unit.region_code,
        parent_id=unit.parent_id,
        path=unit.path,
        status=unit.status,
        version=unit.version,
        placed_at=present.since,
        former_places=tuple(
            UnitPlace(
                parent_id=place.parent_id,
                path=place.path,
                status=place.status,
                valid_from=place.since,
                valid_to=end,
                level=place.level,
                kind=place.kind,
                stages=list(place.stages),
            )
            for place, end in zip(former, ends, strict=True)
        ),
        duty_phone=unit.duty_phone,
        address=unit.address,
        merged_into_id=unit.merged_into_id,
        former_names=tuple(
            FormerName(name=one.name, valid_from=one.since, valid_to=following.since)
            for one, following in pairwise(named)
        ),
    )


class Announcements:
    """Writes the events of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._units = UnitRepository(session)

    async def unit(self, unit: Unit) -> None:
        """Announce one unit."""
        states = await self._units.states([unit.id])
        event = unit_changed(unit, states[unit.id])
        outbox.add(self._session, event, subject=unit.id, sequence=unit.version)

    async def units(self, units: Sequence[Unit], *, subject: str) -> None:
        """Announce up to `BATCH` units in one event."""
        states = await self._units.states([unit.id for unit in units])
        events = tuple(unit_changed(unit, states[unit.id]) for unit in units)
        outbox.add(self._session, UnitsChangedV1(units=events), subject=subject)

    async def subtrees(self, paths: Sequence[str], count: int) -> None:
        """Announce the `count` units at and below `paths`: now, or by a job if they are many."""
        if count > BATCH:
            payload = Subtrees(paths=list(paths), units=count)
            await job_queue.enqueue(self._session, ANNOUNCE, payload)
            return
        await self.units(await self._units.all_under(paths, limit=BATCH), subject=paths[0])


async def announce(job: Job[Subtrees]) -> None:
    """Announce the rest of the subtrees. What has moved away since is announced by its own move."""
    paths = job.payload.paths
    at = job.resume(Reached) or Reached()
    while at.subtrees < len(paths):
        async with job.transaction() as session:
            root = paths[at.subtrees]
            units = await UnitRepository(session).page_under(root, after=at.path, limit=BATCH)
            if units:
                await Announcements(session).units(units, subject=root)
                at = Reached(subtrees=at.subtrees, path=units[-1].path, units=at.units + len(units))
            if len(units) < BATCH:
                at = Reached(subtrees=at.subtrees + 1, units=at.units)
            await job.checkpoint(
                session, at, done=at.units, total=job.payload.units, message=f"已通知单位 {at.units}"
            )


HANDLER = Handler(ANNOUNCE, announce)
