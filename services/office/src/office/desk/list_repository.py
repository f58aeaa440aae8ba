"""The lists and counts of a person's tasks.

A list is put together from branches, each of which reads one index: the shares of one unit, the tasks of the
person. It is sorted in memory: a person has some hundred open tasks, and what has ended is read by its time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Text,
    Uuid,
    and_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import TaskState
from office.desk.rules import CLOSED, NEVER, Filters, Me, Place, Sort, View
from office.directory.models import Person, Unit
from office.dispatches.predicates import Standing
from office.tasks.models import Task, TaskAddress, TaskShare
from office.tasks.predicates import reaches
from office.tasks.rules import pairs
from servicekit.paging import MOST_COUNTED
from servicekit.words import inline

Standings = Mapping[UUID, Standing]
"""Units of a person, with the places where they stand and stood."""


class Line(NamedTuple):
    """A task as it concerns one unit or one person. `share` is None as long as an addressed unit has done
    nothing, and for a dispatched task in the list of what the person has caused.
    """

    task: Task
    share: TaskShare | None
    deadline: datetime | None
    unit: Unit | None
    holder: Person | None
    done_by: Person | None
    addressee: UUID


class Counted(NamedTuple):
    """Open tasks of one kind in one unit; the unit is None for tasks of the person that belong to no unit."""

    unit_id: UUID | None
    kind: str
    open: int
    mine: int
    overdue: int


class ListRepository:
    """Query the tasks of one person."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lines(
        self, keys: Subquery, view: View, sort: Sort, *, after: tuple[Any, ...] | None, limit: int
    ) -> list[Line]:
        """Return one page of a list, after the sort key of the last line of the page before."""
        order = _order(keys, view, sort)
        newest_first = view in CLOSED or sort is Sort.NEWEST
        statement = select(keys)
        if after is not None:
            statement = statement.where(
                tuple_(*order) < tuple_(*after) if newest_first else tuple_(*order) > tuple_(*after)
            )
        statement = statement.order_by(*((key.desc() if newest_first else key) for key in order)).limit(limit)
        page = statement.subquery("page")
        order = _order(page, view, sort)
        holder, doer = aliased(Person), aliased(Person)
        rows = await self._session.execute(
            select(Task, TaskShare, page.c.deadline, Unit, holder, doer, page.c.addressee)
            .select_from(page)
            .join(Task, Task.id == page.c.task_id)
            .outerjoin(
                TaskShare, and_(TaskShare.task_id == page.c.task_id, TaskShare.addressee == page.c.addressee)
            )
            .outerjoin(Unit, Unit.id == page.c.unit_id)
            .outerjoin(holder, holder.sub == TaskShare.holder)
            .outerjoin(doer, doer.sub == TaskShare.done_by)
            .order_by(*((key.desc() if newest_first else key) for key in order))
            .execution_options(populate_existing=True)
        )
        return [Line(*row) for row in rows]

    async def count(self, keys: Subquery) -> int:
        """Return the number of lines of a list, up to `MOST_COUNTED + 1`."""
        some = select(keys.c.task_id).limit(MOST_COUNTED + 1).subquery()
        return (await self._session.scalars(select(func.count()).select_from(some))).one()

    async def counts(self, me: Me, standings: Standings, *, now: datetime) -> Sequence[Counted]:
        """Return the numbers of open tasks by unit and kind, of the first `MOST_COUNTED` tasks."""
        keys = keys_of(me, standings, View.OPEN, Filters(), now)
        some = select(keys).limit(MOST_COUNTED).subquery()
        rows = await self._session.execute(
            select(
                some.c.unit_id,
                some.c.kind,
                func.count(),
                func.count().filter(some.c.holder == me.sub),
                func.count().filter(some.c.deadline < now),
            )
            .group_by(some.c.unit_id, some.c.kind)
            .order_by(some.c.unit_id, some.c.kind)
        )
        return [Counted(*row) for row in rows]

    async def reached(
        self, task_id: UUID, standings: Sequence[Standing]
    ) -> tuple[Standing, datetime | None] | None:
        """Return the first of the units that a dispatched task reaches, and when it is due there."""
        for standing in standings:
            statement = _first_addresses(standing).where(TaskAddress.task_id == task_id)
            row = (await self._session.execute(statement)).first()
            if row is not None:
                return standing, row.deadline
        return None


def sort_key(line: Line, view: View, sort: Sort) -> list[Any]:
    """Return the sort key of a line, in the parts that `key_types` parses."""
    task, ends = line.task, (line.task.id, line.addressee)
    if view in CLOSED:
        ended = line.share.ended_at if line.share is not None else task.withdrawn_at
        return [(ended or task.opened_at).isoformat(), *ends]
    deadline = (line.deadline or NEVER).isoformat()
    if sort is Sort.DEADLINE:
        return [deadline, *ends]
    if sort is Sort.URGENCY:
        return [-task.urgency_rank, deadline, *ends]
    return [*ends]


def _order(keys: Subquery, view: View, sort: Sort) -> list[ColumnElement[Any]]:
    ends: list[ColumnElement[Any]] = [keys.c.task_id, keys.c.addressee]
    if view in CLOSED:
        return [keys.c.ended_at, *ends]
    deadline = func.coalesce(keys.c.deadline, NEVER)
    if sort is Sort.DEADLINE:
        return [deadline, *ends]
    if sort is Sort.URGENCY:
        return [-keys.c.urgency_rank, deadline, *ends]
    return ends


def keys_of(me: Me, standings: Standings, view: View, filters: Filters, now: datetime) -> Subquery:
    """Return the tasks of a list with what they are sorted and counted by."""
    if view is View.CREATED:
        branches = [_created(me)]
    else:
        places = [place for place in me.places if filters.unit_id in (None, place.unit_id)]
        branches = [*(_of_unit(me, place, view) for place in places), _of_person(me, view, filters.unit_id)]
        if view not in (View.MINE, View.DONE):
            branches += [
                _addressed(standings[place.unit_id], place, view)
                for place in places
                if place.unit_id in standings
            ]
    every = union_all(*(branch.where(*_restricted(filters)) for branch in branches)).subquery("every")
    due: list[ColumnElement[bool]] = []
    if view is View.OVERDUE:
        due.append(every.c.deadline < now)
    if filters.due_from is not None:
        due.append(every.c.deadline >= filters.due_from)
    if filters.due_until is not None:
        due.append(every.c.deadline < filters.due_until)
    return select(every).where(*due).subquery("keys")


def _columns(state: Any = TaskShare) -> list[Any]:
    deadline = func.coalesce(state.deadline, Task.deadline)
    return [
        Task.id.label("task_id"),
        state.addressee.label("addressee"),
        state.unit_id.label("unit_id"),
        state.holder.label("holder"),
        state.ended_at.label("ended_at"),
        deadline.label("deadline"),
        Task.urgency_rank.label("urgency_rank"),
        Task.kind.label("kind"),
    ]


def _first_addresses(standing: Standing) -> Select[UUID, datetime | None]:
    """Return the tasks that are dispatched to the unit, each with the first address that reached it."""
    return (
        select(TaskAddress.task_id, TaskAddress.deadline)
        .ext(distinct_on(TaskAddress.task_id))
        .where(reaches(standing))
        .order_by(TaskAddress.task_id, TaskAddress.sent_at)
    )


def _addressed(standing: Standing, place: Place, view: View) -> Select[Any]:
    """Return the dispatched tasks with which the unit has done nothing yet; of the withdrawn ones, also those
    that somebody has taken.
    """
    first = _first_addresses(standing).subquery()
    share = aliased(TaskShare)
    unit_id = literal(place.unit_id, Uuid())
    statement = (
        select(
            Task.id.label("task_id"),
            unit_id.label("addressee"),
            unit_id.label("unit_id"),
            cast(null(), Uuid()).label("holder"),
            Task.withdrawn_at.label("ended_at"),
            first.c.deadline.label("deadline"),
            Task.urgency_rank.label("urgency_rank"),
            Task.kind.label("kind"),
        )
        .select_from(first)
        .join(Task, Task.id == first.c.task_id)
        .outerjoin(share, and_(share.task_id == first.c.task_id, share.addressee == place.unit_id))
        .where(allowed(place.holds))
    )
    if view is View.WITHDRAWN:
        untouched = or_(share.task_id.is_(None), share.state == TaskState.OPEN)
        return statement.where(Task.withdrawn_at.is_not(None), untouched)
    return statement.where(Task.withdrawn_at.is_(None), share.task_id.is_(None))


def _shares() -> Select[Any]:
    return select(*_columns()).join(TaskShare, TaskShare.task_id == Task.id)


def _of_unit(me: Me, place: Place, view: View) -> Select[Any]:
    """Return the tasks of one unit, as far as what the person may do there allows."""
    statement = _shares().where(
        TaskShare.unit_id == place.unit_id, TaskShare.personal.is_(False), allowed(place.holds)
    )
    if view is View.DONE:
        return statement.where(TaskShare.state == inline(TaskState.DONE))
    if view is View.WITHDRAWN:
        return statement.where(TaskShare.state == inline(TaskState.WITHDRAWN))
    statement = statement.where(TaskShare.state == inline(TaskState.OPEN), Task.withdrawn_at.is_(None))
    if view is View.MINE:
        return statement.where(TaskShare.holder == me.sub)
    if view is not View.UNIT:
        statement = statement.where(or_(TaskShare.holder.is_(None), TaskShare.holder == me.sub))
    return statement


def _of_person(me: Me, view: View, unit_id: UUID | None) -> Select[Any]:
    """Return the tasks for the person alone."""
    statement = _shares().where(TaskShare.holder == me.sub, TaskShare.personal)
    if unit_id is not None:
        statement = statement.where(TaskShare.unit_id == unit_id)
    if view is View.DONE:
        return statement.where(TaskShare.state == inline(TaskState.DONE))
    if view is View.WITHDRAWN:
        return statement.where(TaskShare.state == inline(TaskState.WITHDRAWN))
    return statement.where(TaskShare.state == inline(TaskState.OPEN), Task.withdrawn_at.is_(None))


def _created(me: Me) -> Select[Any]:
    """Return what the person has caused, with the share if there is only one."""
    share = (
        select(
            TaskShare.addressee, TaskShare.unit_id, TaskShare.holder, TaskShare.ended_at, TaskShare.deadline
        )
        .where(TaskShare.task_id == Task.id, Task.addressed.is_(False))
        .limit(1)
        .lateral("share")
    )
    columns = [
        column if column.name != "addressee" else func.coalesce(share.c.addressee, Task.id).label("addressee")
        for column in _columns(share.c)
    ]
    return select(*columns).outerjoin(share, literal(True)).where(Task.owner == me.sub)


def allowed(holds: frozenset[str]) -> ColumnElement[bool]:
    """Return whether a person with `holds` in the unit may do the task."""
    return or_(
        func.cardinality(Task.needs) == 0,
        Task.needs.op("&&", is_comparison=True)(literal(sorted(holds), ARRAY(Text))),
    )


def _restricted(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.kinds:
        conditions.append(Task.kind.in_(filters.kinds))
    if filters.urgencies:
        conditions.append(Task.urgency.in_(filters.urgencies))
    if filters.words is not None:
        if found := pairs(filters.words):
            conditions.append(Task.title_pairs.contains(found))
        conditions += [Task.title.icontains(word, autoescape=True) for word in filters.words.split()[:4]]
    return conditions
