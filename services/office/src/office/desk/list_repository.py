"""The lists and counts of a person's tasks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from office.addressing.standing import Standing
from office.desk import list_statements as statements
from office.desk.list_rows import TOTAL, Line, line_of
from office.desk.list_shapes import Shape, cursor_values, values_of
from office.desk.rules import CLOSED, NEVER, Filters, Me, Sort, View
from office.tasks.predicates import above_values
from servicekit.lanes import Runner

Standings = Mapping[UUID, Standing]
"""Units of a person, with the places where they stand and stood."""


class Counted(NamedTuple):
    """Open tasks of one kind in one unit; the unit is None for tasks of the person that belong to no unit."""

    unit_id: UUID | None
    kind: str
    open: int
    mine: int
    overdue: int


class ListRepository:
    """Query the tasks of one person, on a lane or in a session."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def lines(
        self,
        me: Me,
        standings: Standings,
        view: View,
        filters: Filters,
        sort: Sort,
        *,
        now: datetime,
        after: tuple[Any, ...] | None,
        limit: int,
    ) -> tuple[list[Line], int]:
        """Return one page of a list, after the sort key of the last line of the page before, and the number
        of all lines, up to `MOST_COUNTED + 1`.
        """
        shape = Shape.of(view, sort, filters, after=after is not None)
        values = values_of(me, standings, filters, now)
        page = values | cursor_values(after or ()) | {"limit": limit}
        rows = await self._runner.all(statements.lines(shape), page)
        found = [line_of(row) for row in rows]
        if rows and not shape.paged:
            return found, rows[0][TOTAL]
        if after is None and len(rows) < limit:
            return found, len(rows)
        return found, (await self._runner.first(statements.total(shape), values))[0]

    async def counts(self, me: Me, standings: Standings, *, now: datetime) -> Sequence[Counted]:
        """Return the numbers of open tasks by unit and kind, of the first `MOST_COUNTED` tasks."""
        values = values_of(me, standings, Filters(), now)
        return [Counted(*row) for row in await self._runner.all(statements.counts(), values)]

    async def reached(
        self, task_id: UUID, standings: Sequence[Standing]
    ) -> tuple[Standing, datetime | None] | None:
        """Return the first of the units that a dispatched task reaches, and when it is due there."""
        values = {"task": task_id, **above_values(standings)}
        rows = await self._runner.all(statements.reached(), values)
        due = {row.unit: row.deadline for row in rows}
        return next(((one, due[one.unit.id]) for one in standings if one.unit.id in due), None)


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
