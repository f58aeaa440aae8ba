"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.directory.dependencies import UnitService
from office.notices.service import Notices
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _notices(session: Session, clock: ServiceClock, units: UnitService) -> Notices:
    return Notices(session, clock, units)


NoticeService = Annotated[Notices, Depends(_notices)]
