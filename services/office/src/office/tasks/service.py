"""Opening and ending tasks, for the features and services that need something done.

Every method works in the caller's transaction: the task and what it is about change together or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import Urgency
from contracts.vocabulary import TaskAction, TaskClock, TaskKind
from office.addressing.rules import Address
from office.tasks import rules
from office.tasks.feed import TaskChange, to_share, told
from office.tasks.models import Task, TaskAddress, TaskEntry, TaskShare
from office.tasks.repository import TaskRepository
from office.tasks.rules import Deadline
from servicekit.clock import Clock
from servicekit.db import announce
from servicekit.ids import new_id
from workdays import CalendarDays, WorkDays, published_calendar

OWN: Final = "office"
"""The source of tasks that features of Office open."""

_AT_ONCE: Final = 500


@dataclass(frozen=True)
class ToPerson:
    """A task for one person, as part of the work of `unit_id` if given."""

    sub: UUID
    unit_id: UUID | None = None


@dataclass(frozen=True)
class ToUnit:
    """A task for a unit: for its people who have one of `needs` there, for all of them if empty.

    Each is a permission; tasks of other services may also name roles.
    """

    unit_id: UUID
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToAddressed:
    """A task for every unit that `sender` addresses: one row, however many they are.

    `id` is that of the dispatch. A task that is dispatched again, such as a forwarded notice, is opened with
    the same key and another id; what is new is the address and the deadline of the units there.
    """

    id: UUID
    sender_id: UUID
    address: Address
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewTask:
    """What is to be done.

    `key` is unique within the source and makes opening idempotent. `subject` names what the task is about,
    such as `notice/<id>`; tasks are done and withdrawn by it. `link` is a path of the front end or an https
    address. `owner` caused it and sees it under “我发起的”.
    """

    kind: TaskKind | str
    key: str
    subject: str
    title: str
    link: str
    deadline: Deadline | None = None
    urgency: Urgency = Urgency.NORMAL
    owner: UUID | None = None
    owner_unit_id: UUID | None = None
    by_hand: bool = False
    source: str = OWN


class Tasks:
    """Open, do and withdraw tasks within one request or message."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._tasks = TaskRepository(session)

    async def open(self, new: NewTask, to: ToPerson | ToUnit | ToAddressed) -> UUID:
        """Open a task; return its id, also if the source has opened the key before or it has ended already.

        Raises ValueError for a link that leads nowhere.
        """
        task = self._new(new, () if isinstance(to, ToPerson) else to.needs)
        task.addressed = isinstance(to, ToAddressed)
        if not await self._tasks.add_task(task):
            known = await self._tasks.by_key(new.source, new.key)
            assert known is not None
            task = known
            if not isinstance(to, ToAddressed):
                return task.id
        if isinstance(to, ToAddressed):
            await self._address(task, to, new.deadline)
            return task.id
        share = (
            TaskShare.of_unit(task.id, to.unit_id)
            if isinstance(to, ToUnit)
            else TaskShare.of_person(task.id, to.sub, to.unit_id)
        )
        self._tasks.add(share)
        self._tell(to_share(task, share, TaskAction.OPENED))
        return task.id

    async def done(
        self,
        kind: TaskKind | str,
        subject: str,
        *,
        unit: UUID | None = None,
        person: UUID | None = None,
        by: UUID | None,
        source: str = OWN,
    ) -> int:
        """End the open tasks of this kind about `subject` for `unit` and for `person`.

        Return their number: 0 if there is none any more, which is no error. That an addressed unit has been
        addressed is for the caller to know.
        """
        count = 0 if unit is None else await self._done_by_addressed(kind, subject, unit, by, source)
        for addressee in (unit, person):
            if addressee is not None and (addressee != unit or count == 0):
                for task, share in await self._tasks.shares_of(source, subject, kind, addressee):
                    share.done(by=by, now=self._clock.now())
                    self._tell(to_share(task, share, TaskAction.DONE))
                    count += 1
        return count

    async def withdraw(
        self,
        subject: str,
        cause: str,
        *,
        kind: TaskKind | str | None = None,
        by: UUID | None = None,
        gone: bool = False,
        source: str = OWN,
        limit: int | None = None,
    ) -> int:
        """Withdraw the tasks about `subject`, of all kinds if None, and tell those who had them the `cause`.

        At most `limit` at once: a job repeats it where there can be one for each unit.

        What is done stays done. `gone`: the subject no longer exists. Return the number of tasks.
        """
        tasks = await self._tasks.open_about(source, subject, kind, limit)
        for task in tasks:
            await self._withdraw(task, cause, by=by, gone=gone)
        return len(tasks)

    async def ended_before(self, source: str, key: str, cause: str) -> None:
        """Note that a task has ended, unless it is known; opening it then does nothing."""
        task = self._new(
            NewTask(kind=TaskKind.OTHER, key=key, subject=key, title="", link="/", source=source), ()
        )
        task.withdraw(cause, by=None, gone=False, now=self._clock.now())
        await self._tasks.add_task(task)

    async def done_by_key(self, source: str, key: str, *, by: UUID | None) -> None:
        """End the task that `source` opened with `key`; nothing if it has ended or never was."""
        task = await self._tasks.by_key(source, key)
        for share in [] if task is None else await self._tasks.shares(task.id):
            if task is not None and share.is_open:
                share.done(by=by, now=self._clock.now())
                self._tell(to_share(task, share, TaskAction.DONE))

    async def withdraw_by_key(self, source: str, key: str, cause: str, *, gone: bool) -> None:
        """Withdraw the task that `source` opened with `key`; nothing if it is withdrawn or never was."""
        task = await self._tasks.by_key(source, key, lock=True)
        if task is not None and task.withdrawn_at is None:
            await self._withdraw(task, cause, by=None, gone=gone)

    async def hand_over(
        self, sub: UUID, unit_id: UUID, successor: UUID | None, *, into: UUID | None = None
    ) -> int:
        """Give the open tasks of a person in a unit to the successor, or back to the unit; return their
        number.

        If the unit has ended, the tasks go `into` the unit that takes its place.
        """
        return await self._pass_on(sub, unit_id, successor, TaskAction.HANDED_OVER, into=into)

    async def give_back(self, sub: UUID, *, personal: bool) -> int:
        """Give the open tasks that a person has taken back to the units; with `personal` also the tasks for
        this person alone that belong to the work of a unit. Return their number.
        """
        return await self._pass_on(sub, None, None, TaskAction.RETURNED, personal=personal)

    def tell_places(self, sub: UUID, places: Mapping[UUID, frozenset[str]]) -> None:
        """Tell the connected browsers of a person which units the person belongs to from now on, and what
        they may do there.
        """
        told = [{"unit_id": str(unit_id), "holds": sorted(holds)} for unit_id, holds in places.items()]
        self._tell(TaskChange(sub=sub, needs=[], data={"places": told}))

    async def settle(self, after: UUID | None) -> UUID | None:
        """Compute deadlines again whose workdays have been published since, one batch after the task `after`.

        Return the last task of the batch, None after the last batch.
        """
        calendar = published_calendar()
        tasks = await self._tasks.provisional(after, _AT_ONCE)
        for task in tasks:
            if task.clock is not None and task.clock_count is not None:
                kind = WorkDays if task.clock is TaskClock.WORKDAYS else CalendarDays
                task.due(Deadline.after(task.opened_at, kind(task.clock_count), calendar))
        return tasks[-1].id if len(tasks) == _AT_ONCE else None

    def _new(self, new: NewTask, needs: Sequence[str]) -> Task:
        if not rules.is_link(new.link):
            raise ValueError("a task's link is a path of the front end or an https address")
        title = new.title[: rules.MAX_TITLE]
        task = Task(
            id=new_id(),
            source=new.source,
            key=new.key,
            kind=str(new.kind),
            subject=new.subject,
            title=title,
            title_pairs=rules.pairs(title),
            link=new.link,
            urgency=new.urgency,
            urgency_rank=rules.rank(new.urgency),
            needs=list(needs),
            by_hand=new.by_hand,
            owner=new.owner,
            owner_unit_id=new.owner_unit_id,
            opened_at=self._clock.now(),
            subject_gone=False,
        )
        task.due(new.deadline)
        return task

    async def _address(self, task: Task, to: ToAddressed, deadline: Deadline | None) -> None:
        due = None if deadline is None else deadline.at
        address = TaskAddress(
            id=to.id, task_id=task.id, sender_id=to.sender_id, deadline=due, sent_at=self._clock.now()
        )
        address.set_address(to.address)
        if await self._tasks.add_address(address, to.address.picked):
            data = told(task, TaskAction.OPENED)
            data["deadline"] = None if due is None else due.isoformat()
            self._tell(TaskChange(dispatched=to.id, needs=task.needs, data=data))

    async def _done_by_addressed(
        self, kind: str, subject: str, unit: UUID, by: UUID | None, source: str
    ) -> int:
        task = await self._tasks.addressed(source, subject, kind)
        if task is None or not await self._tasks.add_done(task.id, unit, by=by, now=self._clock.now()):
            return 0
        share = TaskShare(task_id=task.id, addressee=unit, unit_id=unit, personal=False)
        self._tell(to_share(task, share, TaskAction.DONE))
        return 1

    async def _withdraw(self, task: Task, cause: str, *, by: UUID | None, gone: bool) -> None:
        now = self._clock.now()
        task.withdraw(cause, by=by, gone=gone, now=now)
        if task.addressed:
            # Not its shares: there may be one for each unit of the country.
            data = told(task, TaskAction.WITHDRAWN)
            self._tell(TaskChange(dispatched=task.id, needs=task.needs, data=data))
            return
        for share in await self._tasks.shares(task.id):
            if share.is_open:
                share.withdraw(now)
                self._tell(to_share(task, share, TaskAction.WITHDRAWN))

    async def _pass_on(
        self,
        sub: UUID,
        unit_id: UUID | None,
        successor: UUID | None,
        action: TaskAction,
        *,
        personal: bool = True,
        into: UUID | None = None,
    ) -> int:
        count = 0
        while held := await self._tasks.held(sub, unit_id, personal=personal, limit=_AT_ONCE):
            for task, share in held:
                await self._reassign(task, share, successor, action, into)
            await self._tasks.save()
            count += len(held)
        return count

    async def _reassign(
        self, task: Task, share: TaskShare, successor: UUID | None, action: TaskAction, into: UUID | None
    ) -> None:
        """Give one share to the successor or back to its unit, and record it."""
        now, sub, unit_id = self._clock.now(), share.holder, into or share.unit_id
        assert unit_id is not None
        if share.personal or unit_id != share.unit_id:
            self._tell(to_share(task, share, TaskAction.WITHDRAWN))
            personal = share.personal and successor is not None
            addressee = successor if personal and successor is not None else unit_id
            if not await self._tasks.readdress(
                share, addressee, unit_id=unit_id, personal=personal, holder=successor
            ):
                # The new one has the same task already.
                share.withdraw(now)
                return
            share = TaskShare(
                task_id=task.id, addressee=addressee, unit_id=unit_id, personal=personal, holder=successor
            )
        else:
            share.hold(successor, now)
        self._tell(to_share(task, share, action))
        self._tasks.add(
            TaskEntry(task_id=task.id, addressee=share.addressee, action=action, by=sub, to=successor, at=now)
        )

    def _tell(self, change: TaskChange) -> None:
        self._tasks.add(change)
        announce(self._session)
