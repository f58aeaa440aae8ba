"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.directory.dependencies import UnitService
from office.dispatches.dependencies import DispatchService
from office.forms.service import Forms
from office.notices.dependencies import NoticeService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _forms(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    notices: NoticeService,
    dispatches: DispatchService,
) -> Forms:
    return Forms(session, clock, units, notices, dispatches)


FormService = Annotated[Forms, Depends(_forms)]
