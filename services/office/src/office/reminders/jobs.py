"""The job that reminds the units of a run, and the schedule."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.office import ReminderRequestedV1
from contracts.vocabulary import NoticeStatus, ReminderReason
from jobs.job import Job
from jobs.kinds import ENDED, Handler, Kind, Periodic
from office.base import job_queue, outbox
from office.coverage.service import Progress, Waiting
from office.directory.service import Units
from office.groups.dependencies import groups_for
from office.notices.models import Notice
from office.reminders.models import ReminderRun
from office.reminders.repository import ReminderRepository, Scheduled
from office.reminders.rules import DEFAULT_OFFSETS, MAX_OFFSET, due
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.problems import NotFound
from workdays import published_calendar


class Which(BaseModel):
    """The run of a job."""

    id: UUID


class Position(BaseModel):
    """The last path that has been looked at."""

    after: str
    seen: int


RUN: Final = Kind("office.reminders", Which, concurrency=2, stall=timedelta(minutes=20))
_BATCH: Final = 500
"""Units in one transaction and in one event."""

_AT_ONCE: Final = 100
_WINDOW: Final = timedelta(days=2 * MAX_OFFSET + 15)
"""How far from now a deadline can be whose schedule has a time today; longer than holidays."""


class Reminding:
    """Runs of reminders, by hand and by the schedule."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def handler(self) -> Handler[Which]:
        """Return the handler of runs."""
        return Handler(RUN, self.run)

    def tasks(self) -> list[Periodic]:
        """Return the periodic tasks."""
        return [
            Periodic("office.reminders.schedule", self.schedule, every=timedelta(minutes=10)),
            Periodic("office.reminders.tidy", self.end_abandoned, every=timedelta(minutes=15)),
        ]

    async def run(self, job: Job[Which]) -> None:
        """Remind all units of a run in batches; a killed run goes on behind its last batch."""
        position = job.resume(Position)
        total: int | None = None
        more = True
        while more:
            async with job.transaction() as session:
                run = await ReminderRepository(session).run(job.payload.id)
                if run is None or run.finished_at is not None:
                    return
                if total is None:
                    total = await self._expected(session, run)
                position, more = await self._batch(session, run, position)
                if not more:
                    await ReminderRepository(session).finish(run.id, self._clock.now())
                if position is not None:
                    message = f"已催办 {run.unsigned + run.blocking} 个单位"
                    await job.checkpoint(session, position, done=position.seen, total=total, message=message)

    async def schedule(self) -> int:
        """Start the runs whose time has come, each notice in a transaction; return their number."""
        count, after = 0, None
        now = self._clock.now()
        while True:
            async with self._database.transaction() as session:
                found = await ReminderRepository(session).scheduled(
                    now - _WINDOW, now + _WINDOW, after=after, limit=_AT_ONCE
                )
            for one in found:
                count += await self._start(one)
            if len(found) < _AT_ONCE:
                return count
            after = found[-1].notice.id

    async def end_abandoned(self) -> None:
        """End runs whose job is dead, so that a new one can be started."""
        async with self._database.transaction() as session:
            reminders = ReminderRepository(session)
            for run in await reminders.running(_AT_ONCE):
                job = None if run.job_id is None else await job_queue.get(session, run.job_id)
                if job is None or job.state in ENDED:
                    await reminders.finish(run.id, self._clock.now())

    async def _start(self, one: Scheduled) -> bool:
        notice, schedule = one
        offsets = DEFAULT_OFFSETS if schedule is None else schedule.offsets
        assert notice.deadline is not None
        offset = due(notice.deadline, offsets, self._clock.now(), published_calendar())
        if offset is None:
            return False
        async with self._database.transaction() as session:
            run = ReminderRun(
                id=new_id(),
                notice_id=notice.id,
                unit_id=notice.publisher_id,
                offset=offset,
                sms=schedule is not None and schedule.sms,
                requested_by=None,
                requested_unit_id=notice.publisher_id,
                created_at=self._clock.now(),
                job_id=None,
                unsigned=0,
                blocking=0,
                finished_at=None,
            )
            reminders = ReminderRepository(session)
            if not await reminders.add_scheduled(run):
                return False
            job = await job_queue.enqueue(session, RUN, Which(id=run.id))
            stored = await reminders.run(run.id)
            assert stored is not None
            stored.job_id = job.id
        return True

    async def _expected(self, session: AsyncSession, run: ReminderRun) -> int:
        units = Units(session)
        progress = Progress(session, self._clock, units)
        notice, unit = await progress.notice(run.notice_id), await units.get(run.unit_id)
        if notice is None or unit is None:
            return 0
        members = await self._members(session, run)
        return (await progress.outstanding(notice, unit, members)).unsigned

    async def _members(self, session: AsyncSession, run: ReminderRun) -> Sequence[UUID] | None:
        """Return the units of the run's group, none if it has been deleted; None without a group."""
        if run.group_id is None or run.requested_by is None:
            return None
        try:
            return await groups_for(session, self._clock).units(
                run.group_id, unit_id=run.requested_unit_id, by=run.requested_by
            )
        except NotFound:
            return []

    async def _batch(
        self, session: AsyncSession, run: ReminderRun, position: Position | None
    ) -> tuple[Position | None, bool]:
        """Remind the units of the next page; return the position behind it, and whether there are more."""
        units = Units(session)
        progress = Progress(session, self._clock, units)
        notice, unit = await progress.notice(run.notice_id), await units.get(run.unit_id)
        if notice is None or unit is None or notice.status is not NoticeStatus.PUBLISHED:
            return position, False
        page = await progress.waiting(
            notice,
            unit,
            await self._members(session, run),
            after=None if position is None else position.after,
            limit=_BATCH,
        )
        if not page:
            return position, False
        await self._remind(session, run, notice, page)
        seen = len(page) + (0 if position is None else position.seen)
        return Position(after=page[-1].path, seen=seen), len(page) == _BATCH

    async def _remind(
        self, session: AsyncSession, run: ReminderRun, notice: Notice, page: Sequence[Waiting]
    ) -> None:
        """Remind who has the notice to sign it, and of the others those who block them to forward it."""
        reminders = ReminderRepository(session)
        await reminders.lock(notice.id)
        blocking = {one.blocker_id for one in page if one.blocker_id is not None} - {notice.publisher_id}
        unsigned = {one.unit_id for one in page if one.delivered}
        now = self._clock.now()
        counts = {ReminderReason.UNSIGNED: 0, ReminderReason.BLOCKING: 0}
        # Who blocks others and has not signed gets one reminder, about what matters more.
        for reason, wanted in (
            (ReminderReason.BLOCKING, blocking),
            (ReminderReason.UNSIGNED, unsigned - blocking),
        ):
            reminded = await reminders.remind(run, sorted(wanted), reason, now)
            counts[reason] = len(reminded)
            if reminded:
                event = ReminderRequestedV1(
                    reminder_id=run.id,
                    notice_id=notice.id,
                    title=notice.title,
                    document_number=notice.document_number,
                    deadline=notice.deadline,
                    reason=reason,
                    sms=run.sms,
                    unit_ids=tuple(reminded),
                    requested_at=now,
                )
                outbox.add(session, event, subject=notice.id)
        run.unsigned += counts[ReminderReason.UNSIGNED]
        run.blocking += counts[ReminderReason.BLOCKING]
