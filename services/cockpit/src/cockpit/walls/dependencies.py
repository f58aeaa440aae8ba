"""Build the feature's services, and admit wall displays."""

from typing import Annotated

from fastapi import Depends

from authkit.principal import Principal
from cockpit.access import rules
from cockpit.access.auth import access
from cockpit.access.dependencies import AccessService
from cockpit.walls.service import WallGate, Walls
from servicekit.db import Session
from servicekit.dependencies import ServiceClock, ServiceDatabase


async def _walls(session: Session, clock: ServiceClock, access_: AccessService) -> Walls:
    return Walls(session, clock, access_)


WallService = Annotated[Walls, Depends(_walls)]


async def _viewer_or_wall(
    actor: Annotated[Principal, Depends(access(rules.READ, rules.WALL))],
    database: ServiceDatabase,
    clock: ServiceClock,
) -> Principal:
    if rules.READ not in actor.scope:
        await WallGate(database, clock).admit(actor)
    return actor


ViewerOrWall = Annotated[Principal, Depends(_viewer_or_wall)]
"""Looks at views: a person, or a wall display of the unit."""
