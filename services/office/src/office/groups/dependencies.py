"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends

from office.groups.service import Groups
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _groups(session: Session, clock: ServiceClock) -> Groups:
    return Groups(session, clock)


GroupService = Annotated[Groups, Depends(_groups)]
