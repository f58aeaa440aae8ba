"""REST API of roles."""

from typing import Annotated

from fastapi import APIRouter, Query

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from contracts.identity import RoleChangedV1
from identity.roles.dependencies import RoleService
from identity.roles.schemas import RoleOut
from identity.units.auth import DirectoryReader, Person
from servicekit import problems
from servicekit.paging import Page, Paging, page

router = APIRouter(prefix="/api/v1", responses=problems.responses(*REFUSALS))


@router.get(
    "/roles",
    tags=["角色和权限"],
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


@router.get(
    "/snapshot/roles",
    tags=["副本"],
    summary="全部角色（供其他服务重建副本）",
    description="内容与事件 `role.changed` 相同，包括已停用的，按代码排列。",
    responses=problems.responses(InsufficientScope),
)
async def snapshot_roles(_: DirectoryReader, paging: Paging, roles: RoleService) -> Page[RoleChangedV1]:
    """Return the state of all roles, as in the event `role.changed`, by code."""
    after = paging.key(str)
    rows = await roles.snapshot(None if after is None else after[0], paging.limit)
    return page(rows, paging.limit, lambda role: [role.code])
