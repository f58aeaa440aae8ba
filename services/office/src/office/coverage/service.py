"""Coverage of a notice for the publisher and each unit that has it, limited to the unit's own subtree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.coverage.change_repository import ChangedUnit
from office.coverage.changes import Changes
from office.coverage.errors import ReceiptsArchived
from office.coverage.missing import Lack
from office.coverage.repository import (
    BlockingUnit,
    BranchTally,
    CountedUnit,
    CoverageRepository,
    MissingUnit,
)
from office.coverage.rules import Point, Step, curve
from office.coverage.scope import Scope
from office.coverage.scopes import scope_of, seen
from office.coverage.summing import FIGURES
from office.directory.models import Unit
from office.directory.service import Units
from office.exports.service import Exports, ExportView
from office.groups.rules import Part
from office.groups.service import Groups
from office.notices.models import Notice
from office.notices.service import Notices
from servicekit.clock import Clock
from servicekit.lists import Listed
from servicekit.ltree import path_of
from servicekit.paging import Cut, PageRequest, cut

BLOCKERS_SHOWN = 100
EXPORT_KIND: Final = "coverage"
_MAX_NAME: Final = 80


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
    archived: bool


@dataclass(frozen=True)
class MissingList:
    """A page of units that lack something, and how many there are."""

    page: Cut[MissingUnit]
    total: int


@dataclass(frozen=True)
class UnitStanding:
    """A unit, and how it counts in the coverage of who asks; None if it does not."""

    notice: Notice
    unit: Unit
    counted: CountedUnit | None


@dataclass(frozen=True)
class History:
    """The progress within `scope`; the last point is now."""

    scope: Unit
    total: int
    points: list[Point]


class Coverage:
    """Report coverage of notices within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        notices: Notices,
        exports: Exports,
        groups: Groups,
    ) -> None:
        self._clock = clock
        self._units = units
        self._notices = notices
        self._exports = exports
        self._groups = groups
        self._coverage = CoverageRepository(session)
        self._changes = Changes(session, units)

    async def report(self, actor: Actor, notice_id: UUID, part: Part, paging: PageRequest) -> CoverageReport:
        """Return the coverage of a part.

        Raises `NotFound` if the actor's unit does not have the notice or the actor does not see the group,
        `OutOfReach` for a subtree outside the actor's, `ReceiptsArchived` for a group of a year whose
        receipts are archived, `BadCursor`. Only the publisher sees coverage of a withdrawn notice; a draft
        has none.
        """
        notice, scope = await self._viewed(actor, notice_id, part)
        now = self._clock.now()
        branches = await self._coverage.tallies(notice, scope, now)
        blocking_count, blocking = 0, list[BlockingUnit]()
        if _waits(branches):
            blocking_count, blocking = await self._coverage.blocking(notice, scope, limit=BLOCKERS_SHOWN)
        return CoverageReport(
            notice_id=notice.id,
            scope=scope.unit,
            as_of=now,
            branches=branches,
            blocking_count=blocking_count,
            blocking=blocking,
            missing=await self._missing(notice, scope, Lack.SIGNATURE, paging, now),
            archived=scope.archived,
        )

    async def missing(
        self, actor: Actor, notice_id: UUID, part: Part, lack: Lack, paging: PageRequest
    ) -> MissingList:
        """Return the units of a part that lack something. Raises as `report` does."""
        notice, scope = await self._viewed(actor, notice_id, part)
        now = self._clock.now()
        page = await self._missing(notice, scope, lack, paging, now)
        branches = await self._coverage.tallies(notice, scope, now)
        return MissingList(page, sum(_lacking(lack, branch) for branch in branches))

    async def history(self, actor: Actor, notice_id: UUID, part: Part, step: Step) -> History:
        """Return the curve of a part. Raises as `report` does."""
        notice, scope = await self._viewed(actor, notice_id, part)
        now = self._clock.now()
        branches = await self._coverage.tallies(notice, scope, now)
        increments = await self._coverage.increments(notice, scope)
        return History(
            scope=scope.unit,
            total=sum(branch.total for branch in branches),
            points=[
                *curve(increments, step, until=now),
                Point(
                    now,
                    sum(branch.signed for branch in branches),
                    sum(branch.answered for branch in branches),
                    sum(branch.people_read for branch in branches),
                ),
            ],
        )

    async def changes(
        self, actor: Actor, notice_id: UUID, part: Part, paging: PageRequest
    ) -> tuple[Unit, Listed[ChangedUnit]]:
        """Return the part's unit, and its units that have changed since the publication, the latest change
        first.

        Raises as `report` does, and `ReceiptsArchived`: how a unit counts is told by its receipts.
        """
        notice, scope = await self._viewed(actor, notice_id, part)
        if scope.archived:
            raise ReceiptsArchived
        return scope.unit, await self._changes.page(notice, scope, paging)

    async def unit(self, actor: Actor, notice_id: UUID, unit_id: UUID) -> UnitStanding:
        """Return how a unit stands that counts in the actor's coverage, or is in its subtree.

        Raises as `report` does, and `ReceiptsArchived`.
        """
        await self._coverage.see_one_snapshot()
        own, notice = await seen(self._units, self._notices, actor, notice_id)
        scope = await scope_of(self._coverage, self._units, notice, own, [unit_id])
        if scope.archived:
            raise ReceiptsArchived
        counted = await self._coverage.counted(notice, scope)
        unit = None if counted is None else await self._units.get(unit_id)
        if unit is None:
            unit = await self._units.reachable(actor, unit_id)
        return UnitStanding(notice, unit, counted)

    async def export(self, actor: Actor, notice_id: UUID, part: Part) -> ExportView:
        """Have an Excel workbook made of a part. Raises as `report` does, `TooManyExports`."""
        notice, scope = await self._part(actor, notice_id, part)
        return await self._exports.start(
            actor,
            EXPORT_KIND,
            subject=f"notice/{notice.id}",
            name=f"覆盖情况-{scope.unit.short_name}-{notice.title}"[:_MAX_NAME],
            parameters={
                "notice_id": str(notice.id),
                "unit_id": str(scope.unit.id),
                "group_id": None if part.group is None else str(part.group),
            },
        )

    async def _missing(
        self, notice: Notice, scope: Scope, lack: Lack, paging: PageRequest, now: datetime
    ) -> Cut[MissingUnit]:
        after = paging.key(path_of)
        units = await self._coverage.missing(
            notice,
            scope,
            lack=lack,
            after=None if after is None else str(after[0]),
            now=now,
            limit=paging.limit + 1,
        )
        return cut(units, paging.limit, lambda row: [row.path])

    async def _viewed(self, actor: Actor, notice_id: UUID, part: Part) -> tuple[Notice, Scope]:
        await self._coverage.see_one_snapshot()
        return await self._part(actor, notice_id, part)

    async def _part(self, actor: Actor, notice_id: UUID, part: Part) -> tuple[Notice, Scope]:
        unit, notice = await seen(self._units, self._notices, actor, notice_id)
        top = unit if part.under is None else await self._units.reachable(actor, part.under)
        members = None
        if part.group is not None:
            members = await self._groups.units(part.group, unit_id=actor.unit_id, by=actor.sub)
        scope = await scope_of(self._coverage, self._units, notice, top, members)
        if scope.archived and members is not None:
            raise ReceiptsArchived
        return notice, scope


def _waits(branches: Sequence[BranchTally]) -> bool:
    """Return whether the notice has not reached a unit. Only then is it asked who blocks it."""
    return any(branch.total > branch.delivered for branch in branches)


def _lacking(lack: Lack, branch: BranchTally) -> int:
    """Return how many units of a branch lack something."""
    match lack:
        case Lack.SIGNATURE:
            return branch.total - branch.signed
        case Lack.DELIVERY:
            return branch.total - branch.delivered
        case Lack.READ:
            return branch.delivered - branch.read_units
        case Lack.ANSWER:
            return branch.total - branch.answered
        case Lack.OVERDUE:
            return branch.overdue


@dataclass(frozen=True)
class Waiting:
    """A unit that has not signed: whether it has the notice, and if not, who blocks it."""

    unit_id: UUID
    path: str
    delivered: bool
    blocker_id: UUID | None


@dataclass(frozen=True)
class Outstanding:
    """How many units have not signed, how many of these have the notice, and how many units block it."""

    unsigned: int
    delivered: int
    blocking: int


class Progress:
    """The progress of published notices in any subtree, for features that check rights themselves."""

    def __init__(self, session: AsyncSession, clock: Clock, units: Units) -> None:
        self._clock = clock
        self._units = units
        self._coverage = CoverageRepository(session)

    async def notice(self, notice_id: UUID) -> Notice | None:
        """Return the notice."""
        return await self._coverage.notice(notice_id)

    async def figures(self, notice: Notice, unit: Unit) -> dict[str, int]:
        """Return all figures of the subtree of `unit`, by name."""
        scope = await scope_of(self._coverage, self._units, notice, unit)
        branches = await self._coverage.tallies(notice, scope, self._clock.now())
        return {name: sum(getattr(branch, name) for branch in branches) for name in FIGURES}

    async def outstanding(
        self, notice: Notice, unit: Unit, members: Sequence[UUID] | None = None
    ) -> Outstanding:
        """Return the numbers of the subtree of `unit`; of `members` only, unless None."""
        scope = await scope_of(self._coverage, self._units, notice, unit, members)
        branches = await self._coverage.tallies(notice, scope, self._clock.now())
        blocking = 0
        if _waits(branches):
            blocking, _ = await self._coverage.blocking(notice, scope, limit=1)
        signed = sum(branch.signed for branch in branches)
        return Outstanding(
            unsigned=sum(branch.total for branch in branches) - signed,
            delivered=sum(branch.delivered for branch in branches) - signed,
            blocking=blocking,
        )

    async def waiting(
        self,
        notice: Notice,
        unit: Unit,
        members: Sequence[UUID] | None = None,
        *,
        after: str | None,
        limit: int,
    ) -> list[Waiting]:
        """Return the next units of the subtree of `unit` that have not signed, after the path `after`; of
        `members` only, unless None.
        """
        scope = await scope_of(self._coverage, self._units, notice, unit, members)
        rows = await self._coverage.missing(
            notice, scope, lack=Lack.SIGNATURE, after=after, now=self._clock.now(), limit=limit
        )
        return [
            Waiting(
                row.unit.id, row.path, row.delivered, None if row.blocked_by is None else row.blocked_by.id
            )
            for row in rows
        ]
