"""Tasks that other services open, by event."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from contracts import EventModel, registry
from contracts.documents import Urgency
from contracts.tasks import TaskDone, TaskOpened, TaskWithdrawn
from messaging.envelope import Envelope
from office.tasks.rules import Deadline
from office.tasks.service import NewTask, Tasks, ToPerson, ToUnit
from servicekit.clock import Clock
from workdays import CalendarDays, WorkDays, published_calendar

_ABOUT_TASKS: tuple[type, ...] = (TaskOpened, TaskDone, TaskWithdrawn)

EVENTS: tuple[type[EventModel], ...] = tuple(
    model for model in registry.all() if issubclass(model, _ABOUT_TASKS)
)
"""The events of all services about their tasks."""


class TaskEvents:
    """Handles the events of all services about their tasks, each with one effect and in any order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def handle(self, session: AsyncSession, event: Any, envelope: Envelope) -> None:
        """Open, end or withdraw a task. Raises ValueError for a task for nobody, or with a bad link."""
        tasks = Tasks(session, self._clock)
        source = envelope.source.rpartition("/")[2]
        match event:
            case TaskOpened():
                await tasks.open(_new(event, source), _to(event))
            case TaskDone():
                await tasks.ended_before(source, event.key, "已办结")
                await tasks.done_by_key(source, event.key, by=event.by)
            case TaskWithdrawn():
                await tasks.ended_before(source, event.key, event.cause)
                await tasks.withdraw_by_key(source, event.key, event.cause, gone=event.subject_gone)


def _to(event: TaskOpened) -> ToPerson | ToUnit:
    if event.sub is not None:
        return ToPerson(event.sub, event.unit_id)
    if event.unit_id is None:
        raise ValueError("a task is for a person or a unit")
    return ToUnit(event.unit_id, (*event.permissions, *event.roles))


def _new(event: TaskOpened, source: str) -> NewTask:
    return NewTask(
        kind=event.kind,
        key=event.key,
        subject=event.subject,
        title=event.title,
        link=event.link,
        deadline=_deadline(event),
        urgency=event.urgency if isinstance(event.urgency, Urgency) else Urgency.NORMAL,
        owner=event.owner,
        owner_unit_id=event.owner_unit_id,
        by_hand=event.by_hand,
        source=source,
    )


def _deadline(event: TaskOpened) -> Deadline | None:
    if event.deadline is not None:
        return Deadline(event.deadline)
    if event.workdays is not None:
        return Deadline.after(event.opened_at, WorkDays(event.workdays), published_calendar())
    if event.days is not None:
        return Deadline.after(event.opened_at, CalendarDays(event.days), published_calendar())
    return None
