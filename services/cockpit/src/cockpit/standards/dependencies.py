"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from cockpit.standards.service import Standards
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _standards(session: Session, clock: ServiceClock) -> Standards:
    return Standards(session, clock)


StandardService = Annotated[Standards, Depends(_standards)]
