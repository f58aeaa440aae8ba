"""Coverage of a notice for the publisher and each unit that has it, limited to the unit's own subtree."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import NoticeStatus
from office.actors import Actor
from office.addressing.rules import ALL_CHILDREN
from office.coverage.counting import Scope
from office.coverage.missing import Lack
from office.coverage.repository import BlockingUnit, BranchTally, CoverageRepository, MissingUnit
from office.directory import rules
from office.directory.models import Unit
from office.directory.service import Units
from office.notices.models import Notice
from office.notices.service import Notices
from servicekit.clock import Clock
from servicekit.paging import Cut, PageRequest, cut
from servicekit.problems import NotFound

BLOCKERS_SHOWN = 100
SPECIAL_PLACES = 50
"""If more units have dispatched in a special way, all units of the notice are looked at one by one."""


@dataclass(frozen=True)
class CoverageReport:
    """Coverage of a notice within `scope`."""

    notice_id: UUID
    scope: Unit
    as_of: datetime
    branches: list[BranchTally]
    blocking_count: int
    blocking: list[BlockingUnit]
    missing: Cut[MissingUnit]


class Coverage:
    """Report coverage of notices within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, units: Units, notices: Notices) -> None:
        self._clock = clock
        self._units = units
        self._notices = notices
        self._coverage = CoverageRepository(session)

    async def report(
        self, actor: Actor, notice_id: UUID, under: UUID | None, paging: PageRequest
    ) -> CoverageReport:
        """Return the coverage of `under` (the actor's own unit when None).

        Raises `NotFound` if the actor's unit does not have the notice, `OutOfReach` for a subtree outside the
        actor's, `BadCursor`. Only the publisher sees coverage of a withdrawn notice; a draft has none.
        """
        notice, scope = await self._viewed(actor, notice_id, under)
        now = self._clock.now()
        blocking_count, blocking = await self._coverage.blocking(notice, scope, limit=BLOCKERS_SHOWN)
        return CoverageReport(
            notice_id=notice.id,
            scope=scope.unit,
            as_of=now,
            branches=await self._coverage.tallies(notice, scope, now),
            blocking_count=blocking_count,
            blocking=blocking,
            missing=await self._missing(notice, scope, Lack.SIGNATURE, paging, now),
        )

    async def missing(
        self, actor: Actor, notice_id: UUID, under: UUID | None, lack: Lack, paging: PageRequest
    ) -> Cut[MissingUnit]:
        """Return the units of `under` that lack something. Raises as `report` does."""
        notice, scope = await self._viewed(actor, notice_id, under)
        return await self._missing(notice, scope, lack, paging, self._clock.now())

    async def _missing(
        self, notice: Notice, scope: Scope, lack: Lack, paging: PageRequest, now: datetime
    ) -> Cut[MissingUnit]:
        after = paging.key(rules.path)
        units = await self._coverage.missing(
            notice,
            scope,
            lack=lack,
            after=None if after is None else str(after[0]),
            now=now,
            limit=paging.limit + 1,
        )
        return cut(units, paging.limit, lambda row: [row.path])

    async def _viewed(self, actor: Actor, notice_id: UUID, under: UUID | None) -> tuple[Notice, Scope]:
        await self._coverage.see_one_snapshot()
        unit = await self._units.own(actor)
        notice, delivery, _ = await self._notices.visible(actor, unit, notice_id)
        if notice.published_at is None or (notice.status is NoticeStatus.WITHDRAWN and delivery is not None):
            raise NotFound
        top = unit if under is None else await self._units.reachable(actor, under)
        return notice, await self._scope(notice, top)

    async def _scope(self, notice: Notice, unit: Unit) -> Scope:
        assert notice.published_at is not None
        former = await self._units.former_places(unit)
        publisher_path = await self._units.path_at(notice.publisher_id, notice.published_at)
        return Scope(
            unit=unit,
            paths=sorted({unit.path, *(place.path for place in former)}),
            publisher_path=publisher_path,
            special=await self._special(notice, publisher_path),
        )

    async def _special(self, notice: Notice, publisher_path: str | None) -> tuple[str, ...]:
        """Return the paths below which dispatches are special; see `Scope.special`."""
        if publisher_path is None:
            return ()
        if notice.recipients != ALL_CHILDREN:
            return (publisher_path,)
        places = await self._coverage.special_places(notice.id, limit=SPECIAL_PLACES + 1)
        return (publisher_path,) if len(places) > SPECIAL_PLACES else tuple(places)
