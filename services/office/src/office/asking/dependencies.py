"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.asking.service import Asking
from office.forms.dependencies import FormService
from office.tasks.dependencies import TaskService


async def _asking(tasks: TaskService, forms: FormService) -> Asking:
    return Asking(tasks, forms)


AskingService = Annotated[Asking, Depends(_asking)]
