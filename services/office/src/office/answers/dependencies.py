"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.answers.service import Answers
from office.counters.dependencies import CounterService
from office.directory.dependencies import UnitService
from office.forms.dependencies import FormService
from office.notices.dependencies import NoticeService
from office.returns.dependencies import ReturnService
from office.tasks.dependencies import TaskService
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
) -> Answers:
    return Answers(session, clock, units, notices, forms, returns, tasks, counters)


AnswerService = Annotated[Answers, Depends(_answers)]
