"""The lines of a list, as rows of a lane or of a session."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.documents import Urgency
from contracts.vocabulary import TaskClock, TaskState
from office.directory.models import Person, Unit
from office.tasks.models import Task, TaskShare


class TaskRow(NamedTuple):
    """What a list shows of a task, in the order of `list_statements`."""

    id: UUID
    kind: str
    subject: str
    title: str
    link: str
    urgency: Urgency
    urgency_rank: int
    clock: TaskClock | None
    clock_count: int | None
    provisional: bool
    needs: list[str]
    by_hand: bool
    opened_at: datetime
    withdrawn_at: datetime | None
    cause: str | None
    subject_gone: bool


class ShareRow(NamedTuple):
    """What a list shows of a share."""

    state: TaskState
    unit_id: UUID | None
    personal: bool
    holder: UUID | None
    taken_at: datetime | None
    done_by: UUID | None
    done_at: datetime | None
    ended_at: datetime | None


class UnitRow(NamedTuple):
    """A unit's name."""

    id: UUID
    code: str
    name: str


class PersonRow(NamedTuple):
    """A person's name."""

    sub: UUID
    name: str


class Line(NamedTuple):
    """A task as it concerns one unit or one person. `share` is None as long as an addressed unit has done
    nothing, and for a dispatched task in the list of what the person has caused.
    """

    task: Task | TaskRow
    share: TaskShare | ShareRow | None
    deadline: datetime | None
    unit: Unit | UnitRow | None
    holder: Person | PersonRow | None
    done_by: Person | PersonRow | None
    addressee: UUID


TOTAL: Final = 2
"""The place of the number of all lines in a row."""
_TASK: Final = 3
_SHARE: Final = _TASK + len(TaskRow._fields)
_UNIT: Final = _SHARE + len(ShareRow._fields)
_HOLDER: Final = _UNIT + len(UnitRow._fields)
_DOER: Final = _HOLDER + len(PersonRow._fields)


def line_of(row: Sequence[Any]) -> Line:
    """Return a line of `list_statements.lines`."""
    values = tuple(row)
    task = TaskRow._make(values[_TASK:_SHARE])
    share = None
    if values[_SHARE] is not None:
        share = ShareRow(TaskState(values[_SHARE]), *values[_SHARE + 1 : _UNIT])
    return Line(
        task=task._replace(
            urgency=Urgency(task.urgency), clock=None if task.clock is None else TaskClock(task.clock)
        ),
        share=share,
        deadline=values[0],
        unit=None if values[_UNIT] is None else UnitRow._make(values[_UNIT:_HOLDER]),
        holder=None if values[_HOLDER] is None else PersonRow._make(values[_HOLDER:_DOER]),
        done_by=None if values[_DOER] is None else PersonRow._make(values[_DOER:]),
        addressee=values[1],
    )
