"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.coverage.service import Coverage, Progress
from office.directory.dependencies import UnitService
from office.exports.dependencies import ExportService
from office.groups.dependencies import GroupService
from office.notices.dependencies import NoticeService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _coverage(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    notices: NoticeService,
    exports: ExportService,
    groups: GroupService,
) -> Coverage:
    return Coverage(session, clock, units, notices, exports, groups)


CoverageService = Annotated[Coverage, Depends(_coverage)]


async def _progress(session: Session, clock: ServiceClock, units: UnitService) -> Progress:
    return Progress(session, clock, units)


ProgressService = Annotated[Progress, Depends(_progress)]
