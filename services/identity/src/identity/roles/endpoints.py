"""REST API of roles."""

from fastapi import APIRouter

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
    description="全部角色，以及每个角色的权限。",
    responses=problems.responses(InsufficientScope),
)
async def list_roles(_: Person, roles: RoleService) -> list[RoleOut]:
    """Return all roles with their permissions."""
    return [RoleOut.model_validate(row) for row in await roles.all()]
