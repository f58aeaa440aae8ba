"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.editing.service import Editing
from office.notices.dependencies import NoticeService
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _editing(session: Session, clock: ServiceClock, notices: NoticeService) -> Editing:
    return Editing(session, clock, notices)


EditingService = Annotated[Editing, Depends(_editing)]
