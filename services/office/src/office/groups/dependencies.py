"""Build the feature's service for each request."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession

from office.groups.rules import Part
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


async def _part(
    under: Annotated[UUID | None, Query(description="统计该单位及其下级；默认本单位")] = None,
    group: Annotated[UUID | None, Query(description="只统计通讯录中该分组的单位，不含其下级")] = None,
) -> Part:
    return Part(under, group)


PartQuery = Annotated[Part, Depends(_part)]
