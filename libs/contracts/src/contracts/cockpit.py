"""Events that Cockpit publishes."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.base import EventModel
from contracts.tasks import TaskDone, TaskOpened, TaskWithdrawn


class BatchCommittedV1(EventModel):
    """A batch was committed and counts in all figures; `rejected` of its rows are in quarantine."""

    type: ClassVar[str] = "zhuxue.cockpit.batch.committed.v1"

    batch_id: UUID
    feed: str
    accepted: int
    rejected: int
    committed_at: datetime


class TaskOpenedV1(EventModel, TaskOpened):
    """Cockpit has something for a person or a unit to do, which Office shows."""

    type: ClassVar[str] = "zhuxue.cockpit.task.opened.v1"


class TaskDoneV1(EventModel, TaskDone):
    """What a task of Cockpit asked for is done."""

    type: ClassVar[str] = "zhuxue.cockpit.task.done.v1"


class TaskWithdrawnV1(EventModel, TaskWithdrawn):
    """A task of Cockpit is not to be done any more."""

    type: ClassVar[str] = "zhuxue.cockpit.task.withdrawn.v1"
