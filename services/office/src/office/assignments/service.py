"""Who handles a notice inside a unit: assigning, passing on, finishing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import PermissionRequired
from contracts.documents import AssignmentStatus
from contracts.vocabulary import Permission, TaskKind
from office.actors import Actor
from office.assignments.errors import DueAfterDeadline, NotAssigned, NotColleague
from office.assignments.models import Assignment
from office.assignments.repository import AssignmentRepository
from office.directory.models import Unit
from office.directory.service import Units
from office.notices import rules
from office.notices.errors import BadDeadline
from office.notices.service import Notices
from office.tasks.rules import Deadline
from office.tasks.service import OWN, NewTask, Tasks, ToPerson
from servicekit.clock import Clock


@dataclass(frozen=True)
class Assigned:
    """Assignments of a notice in a unit, and the names of the people in them."""

    items: list[Assignment]
    names: dict[UUID, str]


class Assignments:
    """Assign notices within one request or message."""

    def __init__(
        self, session: AsyncSession, clock: Clock, units: Units, notices: Notices, tasks: Tasks
    ) -> None:
        self._clock = clock
        self._units = units
        self._notices = notices
        self._tasks = tasks
        self._assignments = AssignmentRepository(session)

    async def assign(
        self, actor: Actor, notice_id: UUID, owner: UUID, due_at: datetime | None, note: str | None
    ) -> Assigned:
        """Have a colleague handle the notice; whoever did before is relieved.

        Without `due_at`, it is due when the unit is. Raises `NotColleague`, `DueAfterDeadline`,
        `BadDeadline`, and as `Notices.circulating` does.
        """
        unit = await self._units.own(actor)
        notice, delivery, _ = await self._notices.circulating(actor, unit, notice_id)
        deadline = notice.deadline if delivery is None else delivery.deadline
        assert deadline is not None
        now = self._clock.now()
        due = self._due(due_at, deadline, now)
        if not await self._assignments.is_member(owner, unit.id):
            raise NotColleague
        before = await self._assignments.open(notice_id, unit.id, lock=True)
        if before is not None:
            if (before.owner, before.due_at, before.note) == (owner, due, note):
                return await self._named([before])
            before.end(AssignmentStatus.REASSIGNED, None, by=actor.sub, now=now)
            await self._assignments.save()
            await self._tasks.withdraw_by_key(OWN, before.key, "已改派或调整承办要求", gone=False)
        assignment = Assignment(
            notice_id=notice_id,
            unit_id=unit.id,
            owner=owner,
            due_at=due,
            note=note,
            assigned_by=actor.sub,
            assigned_at=now,
            status=AssignmentStatus.OPEN,
        )
        await self._assignments.add(assignment)
        await self._open_task(assignment, owner, notice.title)
        return await self._named([assignment])

    async def finish(self, actor: Actor, notice_id: UUID, result: str | None) -> Assigned:
        """Note that the notice is handled (办结), by its owner or by a clerk of the unit.

        Raises `NotAssigned`, `PermissionRequired`, and as `Notices.visible` does: what a withdrawn notice
        asked for may still be noted as done.
        """
        return await self._end(actor, notice_id, AssignmentStatus.DONE, result)

    async def cancel(self, actor: Actor, notice_id: UUID) -> Assigned:
        """Take the notice from its owner; nobody handles it then. Raises as `finish` does."""
        return await self._end(actor, notice_id, AssignmentStatus.CANCELLED, None)

    async def history(self, actor: Actor, notice_id: UUID) -> Assigned:
        """Return the assignments in the own unit, the newest first. Raises `NotFound`."""
        unit = await self._units.own(actor)
        await self._notices.visible(actor, unit, notice_id)
        return await self._named(list(await self._assignments.history(notice_id, unit.id)))

    async def current(self, notice_id: UUID, unit: Unit) -> Assigned | None:
        """Return who handles the notice in the unit now."""
        found = await self._assignments.open(notice_id, unit.id)
        return None if found is None else await self._named([found])

    def _due(self, due_at: datetime | None, deadline: datetime, now: datetime) -> datetime:
        if due_at is None:
            return deadline
        try:
            rules.check_deadline(due_at, now)
        except rules.DeadlineOutOfRangeError as error:
            raise BadDeadline from error
        if due_at > deadline >= now:
            raise DueAfterDeadline
        return due_at

    async def _end(
        self, actor: Actor, notice_id: UUID, status: AssignmentStatus, result: str | None
    ) -> Assigned:
        unit = await self._units.own(actor)
        notice, _, _ = await self._notices.visible(actor, unit, notice_id)
        assignment = await self._assignments.open(notice.id, unit.id, lock=True)
        if assignment is None:
            raise NotAssigned
        mine = assignment.owner == actor.sub and status is AssignmentStatus.DONE
        if not mine and not actor.may(Permission.NOTICES_RECEIVE):
            raise PermissionRequired
        assignment.end(status, result, by=actor.sub, now=self._clock.now())
        await self._assignments.save()
        if status is AssignmentStatus.DONE:
            await self._tasks.done_by_key(OWN, assignment.key, by=actor.sub)
        else:
            await self._tasks.withdraw_by_key(OWN, assignment.key, "已取消承办", gone=False)
        return await self._named([assignment])

    async def _open_task(self, assignment: Assignment, owner: UUID, title: str) -> None:
        await self._tasks.open(
            NewTask(
                kind=TaskKind.HANDLE,
                key=assignment.key,
                subject=f"notice/{assignment.notice_id}",
                title=title,
                link=f"/notices/{assignment.notice_id}",
                deadline=Deadline(assignment.due_at),
                owner=assignment.assigned_by,
                owner_unit_id=assignment.unit_id,
            ),
            ToPerson(owner, assignment.unit_id),
        )

    async def _named(self, items: list[Assignment]) -> Assigned:
        people = {sub for one in items for sub in (one.owner, one.assigned_by, one.ended_by) if sub}
        return Assigned(items, await self._units.names(people))


class Leavers:
    """Relieve people who leave, within one message."""

    def __init__(self, session: AsyncSession) -> None:
        self._assignments = AssignmentRepository(session)

    async def relieve(self, sub: UUID, unit_id: UUID | None, successor: UUID | None) -> None:
        """Give what the person handles in the unit (None: in all units) to the successor, or to nobody until
        it is assigned again. `Tasks` passes on the tasks.
        """
        while owned := await self._assignments.owned(sub, unit_id):
            for assignment in owned:
                assignment.pass_on(successor)
            await self._assignments.save()
