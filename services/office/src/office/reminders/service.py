"""Reminding units: previews, runs by hand, schedules, and what a unit sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import NoticeKind
from contracts.vocabulary import ReminderReason
from jobs.queue import JobView
from office.actors import Actor
from office.base import job_queue
from office.coverage.service import Progress
from office.directory.models import Unit
from office.directory.service import Units
from office.groups.rules import Part
from office.groups.service import Groups
from office.notices.models import Notice
from office.notices.service import Notices
from office.reminders.jobs import RUN, Which
from office.reminders.models import ReminderRun, ReminderSchedule
from office.reminders.repository import Reminded, ReminderRepository
from office.reminders.rules import DEFAULT_OFFSETS
from office.returns.errors import NoReceiptNeeded
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import AgeSort, Listed
from servicekit.paging import PageRequest
from servicekit.problems import NotFound


@dataclass(frozen=True)
class Preview:
    """How many units a run would remind at most: those reminded recently are left out."""

    unsigned: int
    blocking: int


@dataclass(frozen=True)
class RunView:
    """A run, its job, which has the progress (None once the job's record is deleted), the unit whose subtree
    is reminded (None: not replicated), and the names of groups that the caller sees.
    """

    run: ReminderRun
    job: JobView | None
    unit: Unit | None
    groups: dict[UUID, str]


class Reminders:
    """Remind units within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        notices: Notices,
        progress: Progress,
        groups: Groups,
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._notices = notices
        self._progress = progress
        self._groups = groups
        self._reminders = ReminderRepository(session)

    async def preview(self, actor: Actor, notice_id: UUID, part: Part) -> Preview:
        """Return how many units of a part would be reminded.

        Raises `NotFound`, also for a group that the actor does not see, `OutOfReach`, `NoReceiptNeeded`, and
        as `Notices.circulating` does.
        """
        notice, unit, members = await self._circulating(actor, notice_id, part)
        found = await self._progress.outstanding(notice, unit, members)
        return Preview(found.delivered, found.blocking)

    async def remind(self, actor: Actor, notice_id: UUID, part: Part, *, sms: bool) -> RunView:
        """Start a run by hand. Raises as `preview` does, `AlreadyReminding`."""
        notice, unit, _ = await self._circulating(actor, notice_id, part)
        run = ReminderRun(
            id=new_id(),
            notice_id=notice.id,
            unit_id=unit.id,
            group_id=part.group,
            offset=None,
            sms=sms,
            requested_by=actor.sub,
            requested_unit_id=actor.unit_id,
            created_at=self._clock.now(),
            unsigned=0,
            blocking=0,
        )
        run.job_id = (await job_queue.enqueue(self._session, RUN, Which(id=run.id))).id
        await self._reminders.add_run(run)
        job = await job_queue.get(self._session, run.job_id)
        return RunView(run, job, unit, await self._group_names(actor, [run]))

    async def runs(
        self, actor: Actor, notice_id: UUID, sort: AgeSort, paging: PageRequest
    ) -> Listed[RunView]:
        """Return the runs of a notice by the own unit and by the schedule. Raises `NotFound`, `BadCursor`."""
        unit = await self._units.own(actor)
        await self._notices.visible(actor, unit, notice_id)
        found = await self._reminders.runs(notice_id, unit.id, sort, paging)
        units = await self._units.of_ids(run.unit_id for run in found.items)
        groups = await self._group_names(actor, found.items)
        return found.each(lambda run: RunView(run, None, units.get(run.unit_id), groups))

    async def run(self, actor: Actor, notice_id: UUID, run_id: UUID) -> RunView:
        """Return a run with its progress. Raises `NotFound`."""
        unit = await self._units.own(actor)
        await self._notices.visible(actor, unit, notice_id)
        run = await self._reminders.run(run_id)
        if run is None or run.notice_id != notice_id:
            raise NotFound
        if run.offset is None and run.requested_unit_id != unit.id:
            raise NotFound
        job = None if run.job_id is None else await job_queue.get(self._session, run.job_id)
        groups = await self._group_names(actor, [run])
        return RunView(run, job, await self._units.get(run.unit_id), groups)

    async def schedule(self, actor: Actor, notice_id: UUID) -> ReminderSchedule:
        """Return when units are reminded of a notice. Raises `NotFound`."""
        unit = await self._units.own(actor)
        notice, _, _ = await self._notices.visible(actor, unit, notice_id)
        found = await self._reminders.schedule(notice.id)
        if found is not None:
            return found
        return ReminderSchedule(
            notice_id=notice.id,
            offsets=list(DEFAULT_OFFSETS),
            sms=False,
            updated_by=notice.created_by,
            updated_at=notice.created_at,
        )

    async def set_schedule(
        self, actor: Actor, notice_id: UUID, offsets: Sequence[int], *, sms: bool
    ) -> ReminderSchedule:
        """Set when units are reminded of an own notice. Raises `NotFound`, `PermissionRequired`."""
        notice = await self._notices.own(actor, notice_id)
        schedule = ReminderSchedule(
            notice_id=notice.id,
            offsets=sorted(set(offsets)),
            sms=sms,
            updated_by=actor.sub,
            updated_at=self._clock.now(),
        )
        await self._reminders.put_schedule(schedule)
        return schedule

    async def received(
        self, actor: Actor, reason: ReminderReason | None, sort: AgeSort, paging: PageRequest
    ) -> Listed[Reminded]:
        """Return the reminders of the own unit that it has not acted on; with `reason` only those for it."""
        unit = await self._units.own(actor)
        return await self._reminders.of_unit(unit.id, reason, sort, paging)

    async def _group_names(self, actor: Actor, runs: Sequence[ReminderRun]) -> dict[UUID, str]:
        if all(run.group_id is None for run in runs):
            return {}
        return {group.id: group.name for group in await self._groups.list(actor)}

    async def _circulating(
        self, actor: Actor, notice_id: UUID, part: Part
    ) -> tuple[Notice, Unit, Sequence[UUID] | None]:
        own = await self._units.own(actor)
        notice, _, _ = await self._notices.circulating(actor, own, notice_id)
        if notice.kind is NoticeKind.ANNOUNCEMENT:
            raise NoReceiptNeeded
        unit = own if part.under is None else await self._units.reachable(actor, part.under)
        if part.group is None:
            return notice, unit, None
        return notice, unit, await self._groups.units(part.group, unit_id=actor.unit_id, by=actor.sub)
