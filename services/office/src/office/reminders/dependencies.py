"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.coverage.dependencies import ProgressService
from office.directory.dependencies import UnitService
from office.groups.dependencies import GroupService
from office.notices.dependencies import NoticeService
from office.reminders.service import Reminders
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _reminders(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    notices: NoticeService,
    progress: ProgressService,
    groups: GroupService,
) -> Reminders:
    return Reminders(session, clock, units, notices, progress, groups)


ReminderService = Annotated[Reminders, Depends(_reminders)]
