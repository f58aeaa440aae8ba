"""What a service says about tasks (统一待办) that it has Office show; the base of its own three events.

A service adds three classes to its module, such as `class TaskOpenedV1(EventModel, TaskOpened)` with the type
`zhuxue.<service>.task.opened.v1`; Office subscribes to all of them. `key` is chosen by the service and names
one task: each event about it has one effect, and events may arrive in any order.
"""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.documents import Urgency
from contracts.vocabulary import Open, Permission, Role, TaskKind


class TaskOpened(BaseModel):
    """Somebody has to do something: the person `sub`, or people of the unit `unit_id` with one of
    `permissions`. `roles` add holders of roles; name permissions instead, because roles are data.

    With both, it is the person's, as part of the work of the unit. `link` is a path of the front end or an
    https address. It is due at `deadline`, or `workdays` or `days` after `opened_at`, at the end of that day
    in Beijing. `by_hand`: there is no page for it, so people mark it as done themselves.
    """

    key: str = Field(min_length=1, max_length=200)
    kind: Open[TaskKind] = TaskKind.OTHER
    subject: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=200)
    link: str = Field(min_length=1, max_length=500)
    opened_at: datetime
    unit_id: UUID | None = None
    roles: list[Open[Role]] = []
    permissions: list[Open[Permission]] = []
    sub: UUID | None = None
    deadline: datetime | None = None
    workdays: int | None = Field(default=None, ge=0, le=366)
    days: int | None = Field(default=None, ge=0, le=366)
    urgency: Open[Urgency] = Urgency.NORMAL
    owner: UUID | None = None
    owner_unit_id: UUID | None = None
    by_hand: bool = False


class TaskDone(BaseModel):
    """What the task asked for is done."""

    key: str = Field(min_length=1, max_length=200)
    by: UUID | None = None


class TaskWithdrawn(BaseModel):
    """The task is not to be done any more. People who had it see the `cause`, which is Chinese."""

    key: str = Field(min_length=1, max_length=200)
    cause: str = Field(min_length=1, max_length=500)
    subject_gone: bool = False
