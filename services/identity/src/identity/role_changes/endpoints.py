"""REST API of custom roles."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, PermissionRequired
from contracts.vocabulary import ProposalStatus
from identity.accounts.schemas import ReasonIn
from identity.directory.dependencies import DirectoryService
from identity.platform.auth import PlatformAdmin, StrongPlatformAdmin, StrongRoleDefiner
from identity.platform.errors import SecondPersonRequired
from identity.role_changes import errors
from identity.role_changes.dependencies import RoleChangeService
from identity.role_changes.schemas import NewRoleIn, RoleChangeOut, RoleIn
from identity.roles import errors as role_errors
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(
    prefix="/api/v1/platform",
    tags=["角色和权限"],
    responses=problems.responses(*REFUSALS, InsufficientScope, PermissionRequired),
)
Code = Annotated[str, Path(max_length=32, description="角色代码")]
_FIXED = (role_errors.RoleNotFound, role_errors.BuiltInRole, role_errors.RoleRetired)


@router.post(
    "/roles",
    status_code=201,
    summary="提议新增角色",
    description="由安全管理员提议，另一类平台管理员确认后生效。只能包含单位的权限。",
    responses=problems.responses(
        errors.PermissionNotForUnits,
        role_errors.RoleExists,
        errors.RoleChangePending,
    ),
)
async def create_role(
    new: NewRoleIn,
    admin: StrongRoleDefiner,
    changes: RoleChangeService,
    directory: DirectoryService,
    response: Response,
) -> RoleChangeOut:
    """Propose a new role."""
    response.headers["Location"] = "/api/v1/platform/role-changes"
    return await directory.named(RoleChangeOut.model_validate(await changes.create(admin, new)))


@router.put(
    "/roles/{code}",
    summary="提议调整角色",
    description="由安全管理员提议，另一类平台管理员确认后生效；权限减少的，持有人的令牌随即失效。内置角色不能调整。",
    responses=problems.responses(
        *_FIXED, errors.PermissionNotForUnits, role_errors.RoleExists, errors.RoleChangePending
    ),
)
async def change_role(
    code: Code, new: RoleIn, admin: StrongRoleDefiner, changes: RoleChangeService, directory: DirectoryService
) -> RoleChangeOut:
    """Propose what a role is to be called and to allow."""
    return await directory.named(RoleChangeOut.model_validate(await changes.change(admin, code, new)))


@router.post(
    "/roles/{code}/retire",
    summary="停用角色",
    description="立即生效：该角色不再有任何权限，持有人的令牌随即失效；人员的历史记录保留。"
    "停用后不能恢复，代码不能再用。内置角色不能停用。",
    responses=problems.responses(*_FIXED),
)
async def retire_role(
    code: Code,
    why: ReasonIn,
    admin: StrongRoleDefiner,
    changes: RoleChangeService,
    directory: DirectoryService,
) -> RoleChangeOut:
    """End a role. It gives no permissions from now on."""
    return await directory.named(RoleChangeOut.model_validate(await changes.retire(admin, code, why.reason)))


@router.get("/role-changes", summary="角色的变更", description="待确认的和历史的，从新到旧。")
async def list_role_changes(
    _: PlatformAdmin,
    changes: RoleChangeService,
    paging: Paging,
    directory: DirectoryService,
    code: Annotated[str | None, Query(max_length=32, description="角色代码，空为全部")] = None,
    status: Annotated[ProposalStatus | None, Query(description="状态")] = None,
) -> CountedPage[RoleChangeOut]:
    """Return changes of roles, latest first."""
    found = await changes.changes(code, status, paging)
    return await directory.named_page(found.page(RoleChangeOut.model_validate))


_DECIDE = (errors.RoleChangeNotFound, errors.RoleChangeDecided)


@router.post(
    "/role-changes/{change_id}/confirm",
    summary="确认角色的变更",
    description="须由提议人以外、与提议人不同类的平台管理员确认。",
    responses=problems.responses(*_DECIDE, SecondPersonRequired, role_errors.RoleExists, *_FIXED),
)
async def confirm_role_change(
    change_id: Annotated[UUID, Path(description="角色变更的标识")],
    admin: StrongPlatformAdmin,
    changes: RoleChangeService,
    directory: DirectoryService,
) -> RoleChangeOut:
    """Carry a change of a role out, as a second person."""
    return await directory.named(RoleChangeOut.model_validate(await changes.confirm(admin, change_id)))


@router.post(
    "/role-changes/{change_id}/refuse",
    summary="否决角色的变更",
    description="任一平台管理员可以否决，提议人可以收回。",
    responses=problems.responses(*_DECIDE),
)
async def refuse_role_change(
    change_id: Annotated[UUID, Path(description="角色变更的标识")],
    admin: StrongPlatformAdmin,
    changes: RoleChangeService,
    directory: DirectoryService,
) -> RoleChangeOut:
    """Refuse a change of a role."""
    return await directory.named(RoleChangeOut.model_validate(await changes.refuse(admin, change_id)))
