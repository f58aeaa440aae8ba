"""The feature's service, built for one request."""

from typing import Annotated

from fastapi import Depends

from identity.consents.service import Consents
from identity.dependencies import Clock
from identity.revocations.dependencies import Service as Revocations
from servicekit.db import Session


async def _service(session: Session, clock: Clock, revocations: Revocations) -> Consents:
    return Consents(session, clock, revocations)


Service = Annotated[Consents, Depends(_service)]
