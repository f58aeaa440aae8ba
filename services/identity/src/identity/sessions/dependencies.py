"""The feature's service, built for one request."""

from typing import Annotated

from fastapi import Depends

from identity.dependencies import Clock, Settings
from identity.sessions.service import Sessions
from servicekit.db import Session


async def _service(session: Session, clock: Clock, settings: Settings) -> Sessions:
    return Sessions(session, clock, settings)


Service = Annotated[Sessions, Depends(_service)]
