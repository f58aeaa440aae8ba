"""The feature's service, built for one request."""

from typing import Annotated

from fastapi import Depends

from identity.dependencies import Clock, Settings
from identity.revocations.service import Revocations
from servicekit.db import Session


async def _service(session: Session, clock: Clock, settings: Settings) -> Revocations:
    return Revocations(session, clock, settings.access_token_seconds)


Service = Annotated[Revocations, Depends(_service)]
