"""Build the feature's service for each request."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.addressing.service import Addressing
from office.answers.service import Answers
from office.asking.service import Asking
from office.counters.dependencies import CounterService
from office.counters.service import Counters
from office.directory.dependencies import UnitService
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.service import Dispatches
from office.files.dependencies import AttachmentService
from office.files.guards import Shown
from office.files.service import Attachments
from office.forms.dependencies import FormService
from office.forms.service import Forms
from office.groups.service import Groups
from office.notices.dependencies import NoticeService
from office.notices.service import Notices
from office.numbering.service import Numbering
from office.returns.dependencies import ReturnService
from office.returns.service import Returns
from office.tasks.dependencies import TaskService
from office.tasks.service import Tasks
from servicekit.clock import Clock
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _answers(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    notices: NoticeService,
    forms: FormService,
    returns: ReturnService,
    tasks: TaskService,
    counters: CounterService,
    files: AttachmentService,
) -> Answers:
    return Answers(session, clock, units, notices, forms, returns, tasks, counters, files)


async def file_guard(
    session: AsyncSession, clock: Clock, actor: Actor, unit: Unit, subject_id: UUID
) -> Shown:
    """See `office.files.guards.Guard`. Raises `NotFound`."""
    units, addressing, tasks = (
        Units(session),
        Addressing(session, Groups(session, clock)),
        Tasks(session, clock),
    )
    dispatches, files = Dispatches(session, units, addressing), Attachments(session, clock)
    notices = Notices(
        session, clock, units, addressing, dispatches, Numbering(session, clock, units), tasks, files
    )
    forms = Forms(session, clock, units, notices, dispatches)
    returns = Returns(session, clock, units, notices, dispatches, tasks, Asking(tasks, forms))
    counters = Counters(session)
    answers = Answers(session, clock, units, notices, forms, returns, tasks, counters, files)
    return await answers.files(actor, unit, subject_id)


AnswerService = Annotated[Answers, Depends(_answers)]
