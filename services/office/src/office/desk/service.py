"""A person's tasks, and what the person does with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import PersonMembership
from contracts.vocabulary import Permission, TaskAction, TaskState
from office.actors import Actor
from office.addressing.service import Addressing
from office.addressing.standing import Standing
from office.desk import rules
from office.desk.list_repository import ListRepository
from office.desk.list_rows import Line, TaskRow
from office.desk.lists import acting
from office.desk.repository import DeskRepository, memberships
from office.desk.rules import Act, Me, Place
from office.directory.models import Person, Unit
from office.directory.service import Allowances
from office.tasks.errors import (
    ActingForOtherUnit,
    NotColleague,
    TaskDoneElsewhere,
    TaskNotTaken,
    TaskPersonal,
    TaskTaken,
)
from office.tasks.feed import to_share
from office.tasks.models import Task, TaskEntry, TaskShare
from servicekit.clock import Clock
from servicekit.db import announce
from servicekit.lanes import InSession
from servicekit.problems import NotFound


@dataclass(frozen=True)
class Detail:
    """A task with its history, and the people and units who occur in it."""

    task: Task
    line: Line
    entries: Sequence[TaskEntry]
    people: dict[UUID, Person]
    owner_unit: Unit | None


class Desk:
    """The tasks of the caller within one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, addressing: Addressing, allowances: Allowances
    ) -> None:
        self._session = session
        self._clock = clock
        self._addressing = addressing
        self._allowances = allowances
        self._desk = DeskRepository(session)
        self._lists = ListRepository(InSession(session))

    async def me(self, actor: Actor) -> Me:
        """Return the caller with all units that they belong to."""
        person = await self._desk.person(actor.sub)
        others = [await self._place(one) for one in memberships(person)]
        return Me(actor.sub, actor.unit_id, rules.places(acting(actor), others))

    async def get(self, actor: Actor, task_id: UUID, unit_id: UUID | None) -> Detail:
        """Return a task as it concerns the caller, in `unit_id` if the caller belongs to several units that
        have it. Raises `NotFound`.
        """
        me = await self.me(actor)
        task = await self._desk.task(task_id)
        if task is None:
            raise NotFound
        units = [place.unit_id for place in me.places if unit_id in (None, place.unit_id)]
        share = await self._desk.share_at(task_id, units, sub=me.sub)
        if share is not None and not share.personal:
            place = None if share.unit_id is None else me.place(share.unit_id)
            if place is None or not may_do(task, place):
                share = None
        if share is None and (reached := await self._reached(task, me, units)) is not None:
            return await self._detail(task, None, reached)
        if share is None and task.owner != me.sub:
            raise NotFound
        return await self._detail(task, share)

    async def take(self, actor: Actor, task_id: UUID) -> Detail:
        """Take a task of the unit (领取). Taking it again changes nothing.

        Raises `NotFound`, `ActingForOtherUnit`, `TaskPersonal`, `TaskTaken`, and the errors of a closed task.
        """
        task, share = await self._open(actor, task_id)
        if share.personal:
            raise TaskPersonal
        if share.holder != actor.sub:
            if share.holder is not None:
                holder = await self._desk.person(share.holder)
                raise TaskTaken.by(None if holder is None else holder.name)
            self._move(task, share, TaskAction.TAKEN, actor, actor.sub, None)
        return await self._detail(task, share)

    async def release(self, actor: Actor, task_id: UUID, note: str | None) -> Detail:
        """Give a taken task back to the unit (放回), as its holder or as an administrator of the unit.

        Raises as `take` does, and `TaskNotTaken`.
        """
        task, share = await self._open(actor, task_id)
        if share.personal:
            raise TaskPersonal
        if share.holder is None or not _distributes(actor, share):
            raise TaskNotTaken
        self._move(task, share, TaskAction.RELEASED, actor, None, note)
        return await self._detail(task, share)

    async def delegate(self, actor: Actor, task_id: UUID, to: UUID, note: str | None) -> Detail:
        """Pass a task on to a colleague (转交): as its holder, as an administrator, or while nobody has taken
        it.

        Raises as `take` does, and `NotColleague`.
        """
        task, share = await self._open(actor, task_id)
        if share.personal:
            raise TaskPersonal
        if share.holder is not None and not _distributes(actor, share):
            holder = await self._desk.person(share.holder)
            raise TaskTaken.by(None if holder is None else holder.name)
        colleague = await self._desk.person(to)
        places = [place for place in memberships(colleague) if place.unit_id == actor.unit_id]
        able = [one for one in places if may_do(task, await self._place(one))]
        if to == share.holder or not able:
            raise NotColleague
        self._move(task, share, TaskAction.DELEGATED, actor, to, note)
        return await self._detail(task, share)

    async def done(self, actor: Actor, task_id: UUID) -> Detail:
        """Mark a task as done that ends by hand. Raises as `take` does, and `TaskDoneElsewhere`."""
        task, share = await self._open(actor, task_id)
        if not task.by_hand:
            raise TaskDoneElsewhere
        if share.holder not in (None, actor.sub):
            holder = await self._desk.person(share.holder)
            raise TaskTaken.by(None if holder is None else holder.name)
        share.done(by=actor.sub, now=self._clock.now())
        self._desk.add(to_share(task, share, TaskAction.DONE))
        announce(self._session)
        return await self._detail(task, share)

    async def _open(self, actor: Actor, task_id: UUID) -> tuple[Task, TaskShare]:
        """Return the task and the share of the caller or of the acting unit, locked and open."""
        share = await self._desk.share(task_id, actor.sub, lock=True)
        if share is None:
            share = await self._desk.share(task_id, actor.unit_id, lock=True)
        task = await self._desk.task(task_id)
        if task is None:
            raise NotFound
        if share is None:
            share = await self._begin(actor, task)
        if not share.personal and not may_do(task, acting(actor)):
            raise NotFound
        task.check_open()
        share.check_open()
        return task, share

    async def _place(self, membership: PersonMembership) -> Place:
        return Place(membership.unit_id, await self._allowances.holdings(membership))

    async def _begin(self, actor: Actor, task: Task) -> TaskShare:
        """Return the new share of the acting unit in a dispatched task, locked."""
        me = await self.me(actor)
        reached = await self._reached(task, me, [actor.unit_id])
        if reached is None:
            await self.get(actor, task.id, None)
            raise ActingForOtherUnit
        _, deadline = reached
        return await self._desk.begin(TaskShare.of_unit(task.id, actor.unit_id, deadline))

    async def _reached(
        self, task: Task, me: Me, units: Sequence[UUID]
    ) -> tuple[Standing, datetime | None] | None:
        """Return which of the person's units a dispatched task reaches first, as far as they may do it."""
        if not task.addressed:
            return None
        places = [place for unit_id in units if (place := me.place(unit_id)) and may_do(task, place)]
        standings = await self._standings(me)
        found = [standings[place.unit_id] for place in places if place.unit_id in standings]
        return await self._lists.reached(task.id, found)

    async def _standings(self, me: Me) -> dict[UUID, Standing]:
        units = await self._desk.units([place.unit_id for place in me.places])
        return await self._addressing.standings(units.values())

    def _move(
        self,
        task: Task,
        share: TaskShare,
        action: TaskAction,
        actor: Actor,
        to: UUID | None,
        note: str | None,
    ) -> None:
        now = self._clock.now()
        share.hold(to, now)
        self._desk.add(
            TaskEntry(
                task_id=task.id,
                addressee=share.addressee,
                action=action,
                by=actor.sub,
                to=to,
                note=note,
                at=now,
            ),
            to_share(task, share, action),
        )
        announce(self._session)

    async def _detail(
        self, task: Task, share: TaskShare | None, reached: tuple[Standing, datetime | None] | None = None
    ) -> Detail:
        await self._desk.save()
        unit = None if reached is None else reached[0].unit
        deadline = task.deadline if reached is None else reached[1]
        addressee = task.id if unit is None else unit.id
        if share is not None:
            addressee = share.addressee
            deadline = share.deadline or task.deadline
        entries = await self._desk.history(task.id, addressee)
        named = {task.owner, task.withdrawn_by, *(entry.by for entry in entries), *(e.to for e in entries)}
        if share is not None:
            named |= {share.holder, share.done_by}
        people = await self._desk.people([sub for sub in named if sub is not None])
        unit_id = None if share is None else share.unit_id
        units = await self._desk.units([one for one in (unit_id, task.owner_unit_id) if one is not None])
        line = Line(
            task=task,
            share=share,
            deadline=deadline,
            unit=unit if unit_id is None else units.get(unit_id),
            holder=None if share is None or share.holder is None else people.get(share.holder),
            done_by=None if share is None or share.done_by is None else people.get(share.done_by),
            addressee=addressee,
        )
        owner_unit = None if task.owner_unit_id is None else units.get(task.owner_unit_id)
        return Detail(task, line, entries, people, owner_unit)


def may_do(task: Task | TaskRow, place: Place) -> bool:
    """Return whether a person with this place may do the task of the unit."""
    return not task.needs or not place.holds.isdisjoint(task.needs)


def state(line: Line) -> TaskState:
    """Return how far the task has come for this unit or person."""
    if line.share is not None and line.share.state is not TaskState.OPEN:
        return line.share.state
    return TaskState.OPEN if line.task.withdrawn_at is None else TaskState.WITHDRAWN


def acts(line: Line, me: Me) -> list[Act]:
    """Return what the person may do with the task, with the present token."""
    share, place = line.share, me.place(me.acting)
    if state(line) is not TaskState.OPEN or place is None:
        return []
    if share is not None and share.personal:
        return [Act.DONE] if line.task.by_hand and share.holder == me.sub else []
    unit_id = line.addressee if share is None else share.unit_id
    if unit_id != me.acting or not may_do(line.task, place):
        return []
    holder = None if share is None else share.holder
    mine, free = holder == me.sub, holder is None
    distributes = mine or Permission.TASKS_DISTRIBUTE in place.holds
    may = {
        Act.TAKE: free,
        Act.RELEASE: not free and distributes,
        Act.DELEGATE: free or distributes,
        Act.DONE: line.task.by_hand and (free or mine),
    }
    return [act for act, allowed in may.items() if allowed]


def _distributes(actor: Actor, share: TaskShare) -> bool:
    return share.holder == actor.sub or actor.may(Permission.TASKS_DISTRIBUTE)
