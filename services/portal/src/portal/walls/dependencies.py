"""Wall displays, for endpoints."""

from typing import Annotated

from fastapi import Depends, Request

from portal.walls.service import Walls


async def _walls(request: Request) -> Walls:
    found: Walls = request.app.state.walls
    return found


WallService = Annotated[Walls, Depends(_walls)]
