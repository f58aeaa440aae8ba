"""Build the feature's service for each request."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from office.groups.service import Groups
from servicekit.clock import Clock
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


def groups_for(session: AsyncSession, clock: Clock) -> Groups:
    """Return the service for a session, for jobs."""
    return Groups(session, clock)


async def _groups(session: Session, clock: ServiceClock) -> Groups:
    return groups_for(session, clock)


GroupService = Annotated[Groups, Depends(_groups)]
