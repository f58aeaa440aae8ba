"""The statements of a person's lists and counts. Runs no queries.

A list is put together from branches, each of which reads one index: the shares of one unit, the tasks of the
person. What is open is sorted in memory, because a person has some hundred open tasks; of what has ended, and
of what the person has caused, each branch reads one page in the order of its index.

Each statement is built once for each kind of list, and prepared once for each connection of a lane.
Everything that differs between people is a parameter, units and permissions among them; so is each filter.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import BindParameter

from contracts.vocabulary import TaskState
from office.desk.list_shapes import BETWEEN, Shape
from office.desk.rules import CLOSED, NEVER, Sort, View
from office.directory.models import Person, Unit
from office.tasks.models import Task, TaskAddress, TaskShare
from office.tasks.predicates import ABOVE, reaches_below
from servicekit.lanes import Statement
from servicekit.paging import MOST_COUNTED
from servicekit.words import inline

_PLACE: Final = (
    func.unnest(
        bindparam("place_unit", type_=ARRAY(Uuid)),
        bindparam("place_holds", type_=ARRAY(Text)),
    )
    .table_valued(column("unit", Uuid()), column("holds", Text()), name="place")
    .render_derived()
)
_ME: Final = bindparam("me", type_=Uuid())
_NOW: Final = bindparam("now", type_=DateTime(timezone=True))
_LIMIT: Final = bindparam("limit", type_=Integer())


_TASK: Final = (
    *(Task.id, Task.kind, Task.subject, Task.title, Task.link, type_coerce(Task.urgency, Text)),
    *(Task.urgency_rank, type_coerce(Task.clock, Text), Task.clock_count, Task.provisional, Task.needs),
    *(Task.by_hand, Task.opened_at, Task.withdrawn_at, Task.cause, Task.subject_gone),
)
"""The fields of `list_rows.TaskRow`."""
_SHARE: Final = (
    *(type_coerce(TaskShare.state, Text), TaskShare.unit_id, TaskShare.personal, TaskShare.holder),
    *(TaskShare.taken_at, TaskShare.done_by, TaskShare.done_at, TaskShare.ended_at),
)
"""The fields of `list_rows.ShareRow`."""


@cache
def lines(shape: Shape) -> Statement:
    """Return the statement of a page: what a line shows (`list_rows.line_of`), and the number of all lines
    unless `shape.paged`.
    """
    keys = _keys(shape, page=shape.paged)
    order = _order(keys, shape)
    statement = select(keys)
    if shape.after:
        statement = statement.where(_behind(order, shape))
    page = statement.order_by(*_directed(order, shape)).limit(_LIMIT).subquery("page")
    holder, doer = aliased(Person), aliased(Person)
    total: ColumnElement[Any] = null() if shape.paged else _count(keys).scalar_subquery()
    parts = (
        *(page.c.deadline, page.c.addressee, cast(total, Integer)),
        *_TASK,
        *_SHARE,
        *(Unit.id, Unit.code, Unit.name, holder.sub, holder.name, doer.sub, doer.name),
    )
    return Statement(
        select(*(part.label(f"part_{place}") for place, part in enumerate(parts)))
        .select_from(page)
        .join(Task, Task.id == page.c.task_id)
        .outerjoin(
            TaskShare, and_(TaskShare.task_id == page.c.task_id, TaskShare.addressee == page.c.addressee)
        )
        .outerjoin(Unit, Unit.id == page.c.unit_id)
        .outerjoin(holder, holder.sub == TaskShare.holder)
        .outerjoin(doer, doer.sub == TaskShare.done_by)
        .order_by(*_directed(_order(page, shape), shape))
    )


@cache
def total(shape: Shape) -> Statement:
    """Return the statement of the number of lines, up to one more than lists count."""
    return Statement(_count(_keys(shape, page=False)))


@cache
def counts() -> Statement:
    """Return the statement of the numbers of open tasks by unit and kind, of the first `MOST_COUNTED`."""
    some = select(_keys(Shape(View.OPEN, Sort.NEWEST), page=False)).limit(MOST_COUNTED).subquery()
    return Statement(
        select(
            some.c.unit_id,
            some.c.kind,
            func.count().label("open"),
            func.count().filter(some.c.holder == _ME).label("mine"),
            func.count().filter(some.c.deadline < _NOW).label("overdue"),
        )
        .group_by(some.c.unit_id, some.c.kind)
        .order_by(some.c.unit_id, some.c.kind)
    )


@cache
def reached() -> Statement:
    """Return the statement of the units that one dispatched task reaches, and when it is due there."""
    return Statement(_first_addresses().where(TaskAddress.task_id == bindparam("task", type_=Uuid())))


def _count(keys: FromClause) -> Select[int]:
    some = select(keys.c.task_id).limit(MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(some)


def _order(keys: FromClause, shape: Shape) -> list[ColumnElement[Any]]:
    ends: list[ColumnElement[Any]] = [keys.c.task_id, keys.c.addressee]
    if shape.view in CLOSED:
        return [keys.c.ended_at, *ends]
    deadline = func.coalesce(keys.c.deadline, NEVER)
    if shape.sort is Sort.DEADLINE:
        return [deadline, *ends]
    if shape.sort is Sort.URGENCY:
        return [-keys.c.urgency_rank, deadline, *ends]
    return ends


def _directed(order: Iterable[ColumnElement[Any]], shape: Shape) -> list[ColumnElement[Any]]:
    return [key.desc() if shape.newest_first else key for key in order]


def _behind(order: list[ColumnElement[Any]], shape: Shape) -> ColumnElement[bool]:
    """Return whether a line comes after that of the cursor."""
    cursor = tuple_(*(bindparam(f"after_{number}", type_=key.type) for number, key in enumerate(order)))
    return tuple_(*order) < cursor if shape.newest_first else tuple_(*order) > cursor


def _keys(shape: Shape, *, page: bool) -> CTE:
    """Return the tasks of a list with what they are sorted and counted by; with `page`, of each branch only
    as many as a page has.
    """
    view = shape.view
    if view is View.CREATED:
        branches = [_created(shape, page=page)]
    else:
        branches = [_of_units(shape, page=page), _of_person(shape, page=page)]
        if view not in (View.MINE, View.DONE):
            branches.append(_addressed(shape))
    every = union_all(*branches).subquery("every")
    due: list[ColumnElement[bool]] = []
    if view is View.OVERDUE:
        due.append(every.c.deadline < _NOW)
    due += _due(every.c.deadline, shape)
    return select(every).where(*due).cte("keys")


def _due(deadline: ColumnElement[Any], shape: Shape) -> list[ColumnElement[bool]]:
    if not shape.filtered:
        return []
    since = bindparam("due_from", type_=DateTime(timezone=True))
    until = bindparam("due_until", type_=DateTime(timezone=True))
    return [or_(since.is_(None), deadline >= since), or_(until.is_(None), deadline < until)]


def _paged(statement: Select[Any], shape: Shape) -> Select[Any]:
    """Return one page of ended shares, in the order of their index."""
    order: list[Any] = [TaskShare.ended_at, TaskShare.task_id, TaskShare.addressee]
    statement = statement.where(*_due(func.coalesce(TaskShare.deadline, Task.deadline), shape))
    if shape.after:
        statement = statement.where(_behind(order, shape))
    return statement.order_by(*_directed(order, shape)).limit(_LIMIT)


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


def _shares(shape: Shape) -> Select[Any]:
    """Return shares with their tasks, restricted to the list and its filters."""
    statement = select(*_columns()).join(Task, Task.id == TaskShare.task_id).where(*_restricted(shape))
    if shape.view in CLOSED:
        state = TaskState.DONE if shape.view is View.DONE else TaskState.WITHDRAWN
        # The second condition is that of the index.
        return statement.where(TaskShare.state == inline(state), TaskShare.state != inline(TaskState.OPEN))
    return statement.where(TaskShare.state == inline(TaskState.OPEN), Task.withdrawn_at.is_(None))


def _of_units(shape: Shape, *, page: bool) -> Select[Any]:
    """Return the tasks of the person's units, as far as what the person may do there allows."""
    statement = _shares(shape).where(
        TaskShare.unit_id == _PLACE.c.unit, ~TaskShare.personal, _allowed(_PLACE.c.holds)
    )
    if shape.view is View.MINE:
        statement = statement.where(TaskShare.holder == _ME)
    elif shape.view in (View.OPEN, View.OVERDUE):
        statement = statement.where(or_(TaskShare.holder.is_(None), TaskShare.holder == _ME))
    if not page:
        return statement
    of_place = _paged(statement.correlate(_PLACE), shape).lateral("of_place")
    return select(of_place).select_from(_PLACE).join(of_place, true())


def _of_person(shape: Shape, *, page: bool) -> Select[Any]:
    """Return the tasks for the person alone."""
    statement = _shares(shape).where(
        TaskShare.holder == _ME, TaskShare.holder.is_not(None), TaskShare.personal
    )
    if shape.filtered:
        only = bindparam("only_unit", type_=Uuid())
        statement = statement.where(or_(only.is_(None), TaskShare.unit_id == only))
    if not page:
        return statement
    return select(*_paged(statement, shape).subquery("of_person").c)


def _first_addresses() -> Select[Any]:
    """Return the tasks that are dispatched to the units, each with the first address that reached it."""
    return (
        select(ABOVE.c.unit, TaskAddress.task_id, TaskAddress.deadline)
        .select_from(ABOVE)
        .join(TaskAddress, reaches_below())
        .ext(distinct_on(ABOVE.c.unit, TaskAddress.task_id))
        .order_by(ABOVE.c.unit, TaskAddress.task_id, TaskAddress.sent_at, TaskAddress.id)
    )


def _addressed(shape: Shape) -> Select[Any]:
    """Return the dispatched tasks with which a unit has done nothing yet; of the withdrawn ones, also those
    that somebody has taken.
    """
    first = _first_addresses().subquery("first")
    share = aliased(TaskShare)
    statement = (
        select(
            Task.id.label("task_id"),
            first.c.unit.label("addressee"),
            first.c.unit.label("unit_id"),
            cast(null(), Uuid()).label("holder"),
            Task.withdrawn_at.label("ended_at"),
            first.c.deadline.label("deadline"),
            Task.urgency_rank.label("urgency_rank"),
            Task.kind.label("kind"),
        )
        .select_from(first)
        .join(_PLACE, _PLACE.c.unit == first.c.unit)
        .join(Task, Task.id == first.c.task_id)
        .outerjoin(share, and_(share.task_id == first.c.task_id, share.addressee == first.c.unit))
        .where(_allowed(_PLACE.c.holds), *_restricted(shape))
    )
    if shape.view is View.WITHDRAWN:
        untouched = or_(share.task_id.is_(None), share.state == inline(TaskState.OPEN))
        return statement.where(Task.withdrawn_at.is_not(None), untouched)
    return statement.where(Task.withdrawn_at.is_(None), share.task_id.is_(None))


def _created(shape: Shape, *, page: bool) -> Select[Any]:
    """Return what the person has caused, with the share if there is only one."""
    share = (
        select(
            TaskShare.addressee, TaskShare.unit_id, TaskShare.holder, TaskShare.ended_at, TaskShare.deadline
        )
        .where(TaskShare.task_id == Task.id, ~Task.addressed)
        .limit(1)
        .lateral("share")
    )
    addressee = func.coalesce(share.c.addressee, Task.id)
    columns = [one if one.name != "addressee" else addressee.label("addressee") for one in _columns(share.c)]
    statement = (
        select(*columns)
        .select_from(Task)
        .outerjoin(share, literal(True))
        .where(Task.owner == _ME, Task.owner.is_not(None), *_restricted(shape))
    )
    if not page:
        return statement
    statement = statement.where(*_due(func.coalesce(share.c.deadline, Task.deadline), shape))
    if shape.after:
        # The condition that the index answers; the whole key is compared for the page.
        statement = statement.where(Task.id <= bindparam("after_0", type_=Uuid()))
    return select(statement.order_by(Task.id.desc()).limit(_LIMIT + 1).subquery("created"))


def _allowed(holds: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a person with `holds` in the unit, joined to a text, may do the task."""
    return or_(
        func.cardinality(Task.needs) == 0,
        Task.needs.op("&&", is_comparison=True)(func.string_to_array(holds, BETWEEN)),
    )


def _restricted(shape: Shape) -> list[ColumnElement[bool]]:
    """Return the filters. One that is not set is an empty array, of which nothing is asked."""
    if not shape.filtered:
        return []

    def given(name: str) -> BindParameter[Any]:
        return bindparam(name, type_=ARRAY(Text))

    kinds, urgencies, pairs = given("kinds"), given("urgencies"), given("pairs")
    return [
        or_(func.cardinality(kinds) == 0, Task.kind == func.any(kinds)),
        or_(func.cardinality(urgencies) == 0, type_coerce(Task.urgency, Text) == func.any(urgencies)),
        or_(func.cardinality(pairs) == 0, Task.title_pairs.contains(pairs)),
        Task.title.ilike(func.all(given("words"))),
    ]
