"""The feature's service, built for one request."""

from typing import Annotated

from fastapi import Depends

from identity.dependencies import Clock
from identity.grants.service import Grants
from identity.revocations.dependencies import Service as Revocations
from servicekit.db import Session


async def _service(session: Session, clock: Clock, revocations: Revocations) -> Grants:
    return Grants(session, clock, revocations)


Service = Annotated[Grants, Depends(_service)]
