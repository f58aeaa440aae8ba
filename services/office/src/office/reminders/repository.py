"""Queries over reminders."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, and_, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import NoticeKind
from contracts.vocabulary import NoticeStatus, ReminderReason
from office.notices.models import Notice
from office.receipts.models import Signature
from office.reminders.errors import AlreadyReminding
from office.reminders.models import Reminder, ReminderRun, ReminderSchedule
from office.reminders.rules import INTERVAL, slot
from office.returns.models import STANDING, Return
from servicekit.lists import AgeSort, Listed, Order, listed, listed_one
from servicekit.paging import PageRequest, instant

_REMINDING = 0x5245
"""First key of an advisory lock."""


class Reminded(NamedTuple):
    """A reminder that a unit got, and its notice."""

    reminder: Reminder
    title: str
    deadline: datetime | None


class Scheduled(NamedTuple):
    """A published notice with its schedule; None for the default."""

    notice: Notice
    schedule: ReminderSchedule | None


class ReminderRepository:
    """Read and write reminders, their runs and schedules."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def schedule(self, notice_id: UUID) -> ReminderSchedule | None:
        """Return the schedule of a notice, if it has its own."""
        return await self._session.get(ReminderSchedule, notice_id)

    async def put_schedule(self, schedule: ReminderSchedule) -> None:
        """Write or replace the schedule of a notice."""
        await self._session.merge(schedule)
        await self._session.flush()

    async def add_run(self, run: ReminderRun) -> None:
        """Write a run by hand. Raises `AlreadyReminding`."""
        self._session.add(run)
        try:
            await self._session.flush()
        except IntegrityError as error:
            if "uq_reminder_runs_running" in str(error.orig):
                raise AlreadyReminding from error
            raise

    async def add_scheduled(self, run: ReminderRun) -> bool:
        """Write a run of the schedule; return False if this time of the schedule has had its run."""
        values = {column.key: getattr(run, column.key) for column in ReminderRun.__mapper__.column_attrs}
        added = await self._session.execute(
            insert(ReminderRun).values(values).on_conflict_do_nothing().returning(ReminderRun.id)
        )
        return added.first() is not None

    async def run(self, run_id: UUID) -> ReminderRun | None:
        """Return a run as it is now."""
        return await self._session.get(ReminderRun, run_id, populate_existing=True)

    async def runs(
        self, notice_id: UUID, paths_of: UUID, sort: AgeSort, paging: PageRequest
    ) -> Listed[ReminderRun]:
        """Return the runs of a notice that a unit has made, and those of the schedule."""
        statement = select(ReminderRun).where(
            ReminderRun.notice_id == notice_id,
            or_(ReminderRun.requested_unit_id == paths_of, ReminderRun.offset.is_not(None)),
        )
        return await listed_one(self._session, statement, sort.of(ReminderRun.id), paging)

    async def lock(self, notice_id: UUID) -> None:
        """Have other runs of the notice wait for this transaction.

        Two that remind a unit at the end of one interval and at the start of the next have different keys.
        """
        await self._session.execute(
            select(func.pg_advisory_xact_lock(_REMINDING, func.hashtext(str(notice_id))))
        )

    async def remind(
        self, run: ReminderRun, units: Sequence[UUID], reason: ReminderReason, now: datetime
    ) -> list[UUID]:
        """Write reminders of those `units` that have got none within the interval; return these.

        Call `lock` before taking the time `now`.
        """
        if not units:
            return []
        ids = func.unnest(literal(list(units), ARRAY(Uuid))).table_valued("id").render_derived()
        recent = exists().where(
            Reminder.notice_id == run.notice_id,
            Reminder.unit_id == ids.c.id,
            Reminder.at > now - INTERVAL,
        )
        given_back = exists().where(
            Return.notice_id == run.notice_id, Return.unit_id == ids.c.id, Return.status.in_(STANDING)
        )
        due = (await self._session.scalars(select(ids.c.id).where(~recent, ~given_back))).all()
        if not due:
            return []
        common = {
            "notice_id": run.notice_id,
            "run_id": run.id,
            "slot": slot(now),
            "reason": reason,
            "at": now,
        }
        added = await self._session.scalars(
            insert(Reminder)
            .values([{**common, "unit_id": unit_id} for unit_id in sorted(due)])
            .on_conflict_do_nothing()
            .returning(Reminder.unit_id)
        )
        return list(added.all())

    async def finish(self, run_id: UUID, now: datetime) -> None:
        """End a run."""
        await self._session.execute(
            update(ReminderRun)
            .where(ReminderRun.id == run_id, ReminderRun.finished_at.is_(None))
            .values(finished_at=now)
        )

    async def running(self, limit: int) -> Sequence[ReminderRun]:
        """Return runs that have not ended, the oldest first."""
        statement = (
            select(ReminderRun)
            .where(ReminderRun.finished_at.is_(None))
            .order_by(ReminderRun.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(statement)).all()

    async def scheduled(
        self, since: datetime, until: datetime, *, after: UUID | None, limit: int
    ) -> list[Scheduled]:
        """Return circulating notices whose deadline is between, after the id `after`."""
        statement = (
            select(Notice, ReminderSchedule)
            .outerjoin(ReminderSchedule, ReminderSchedule.notice_id == Notice.id)
            .where(
                Notice.status == NoticeStatus.PUBLISHED,
                Notice.kind != NoticeKind.ANNOUNCEMENT,
                Notice.deadline.between(since, until),
            )
            .order_by(Notice.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(Notice.id > after)
        return [Scheduled(*row) for row in await self._session.execute(statement)]

    async def of_unit(
        self, unit_id: UUID, reason: ReminderReason | None, sort: AgeSort, paging: PageRequest
    ) -> Listed[Reminded]:
        """Return the reminders of a unit that it has not acted on; with `reason` only those for it."""
        signed = exists().where(
            Signature.notice_id == Reminder.notice_id, Signature.unit_id == Reminder.unit_id
        )
        statement = (
            select(Reminder, Notice.title, Notice.deadline)
            .join(Notice, and_(Notice.id == Reminder.notice_id, Notice.status == NoticeStatus.PUBLISHED))
            .where(
                Reminder.unit_id == unit_id,
                or_(Reminder.reason == ReminderReason.BLOCKING, ~signed),
            )
        )
        if reason is not None:
            statement = statement.where(Reminder.reason == reason)
        key = (Reminder.at, Reminder.notice_id)
        order = Order(key, (instant, UUID), descending=sort is AgeSort.NEWEST)
        found = await listed(self._session, statement, order, paging)
        return found.each(lambda row: Reminded(*row))
