"""REST API of roles."""

from typing import Annotated

from fastapi import APIRouter, Query

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from identity.roles.dependencies import RoleService
from identity.roles.schemas import RoleOut
from identity.units.auth import Person
from servicekit import problems

router = APIRouter(prefix="/api/v1", tags=["角色和权限"], responses=problems.responses(*REFUSALS))


@router.get(
    "/roles",
    summary="角色和权限",
    description="在用的角色及其权限；`retired` 为真时包括已停用的。",
    responses=problems.responses(InsufficientScope),
)
async def list_roles(
    _: Person,
    roles: RoleService,
    retired: Annotated[bool, Query(description="是否包括已停用的角色")] = False,
) -> list[RoleOut]:
    """Return the roles with their permissions."""
    return [RoleOut.model_validate(row) for row in await roles.all(retired=retired)]
