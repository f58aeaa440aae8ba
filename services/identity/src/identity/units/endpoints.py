"""REST API of units."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, MembershipRequired, OutOfReach, PermissionRequired
from authkit.idempotency import Idempotent
from contracts.identity import UnitChangedV1
from identity.units import errors
from identity.units.auth import DirectoryReader, Member, UnitAdmin
from identity.units.dependencies import UnitService
from identity.units.schemas import UnitIn, UnitOut
from servicekit import problems
from servicekit.paging import Page, Paging, page

router = APIRouter(prefix="/api/v1", tags=["单位"], responses=problems.responses(*REFUSALS))


@router.get(
    "/units/{unit_id}",
    summary="查看单位",
    description="属于任一单位的人员都可以查看其他单位。",
    responses=problems.responses(MembershipRequired, InsufficientScope, errors.UnitNotFound),
)
async def get_unit(unit_id: UUID, _: Member, units: UnitService) -> UnitOut:
    """Return a unit, for any member of a unit."""
    return UnitOut.model_validate(await units.get(unit_id))


@router.get(
    "/units/by-code/{code}",
    summary="按代码查看单位",
    description="现在或曾经使用该代码的单位。",
    responses=problems.responses(MembershipRequired, InsufficientScope, errors.UnitNotFound),
)
async def get_unit_by_code(code: str, _: Member, units: UnitService) -> UnitOut:
    """Return the active or closed unit with this code."""
    return UnitOut.model_validate(await units.by_code(code))


@router.get(
    "/units/{unit_id}/children",
    summary="下级单位",
    description="正常状态的直接下级单位，按代码排列。",
    responses=problems.responses(MembershipRequired, InsufficientScope, errors.UnitNotFound),
)
async def list_children(
    unit_id: UUID,
    _: Member,
    units: UnitService,
    paging: Paging,
    q: Annotated[str | None, Query(max_length=50, description="名称包含")] = None,
) -> Page[UnitOut]:
    """Return active direct children by code."""
    rows = await units.children(unit_id, query=q, after=paging.key(str), limit=paging.limit)
    return page([UnitOut.model_validate(row) for row in rows], paging.limit, lambda unit: [unit.code])


@router.post(
    "/units",
    status_code=201,
    summary="新建下级单位",
    description="单位管理员可以在管辖范围内新建单位。",
    response_model=UnitOut,
    responses=problems.responses(
        MembershipRequired,
        PermissionRequired,
        OutOfReach,
        errors.UnitNotFound,
        errors.UnitClosed,
        errors.LevelNotBelow,
        errors.UnknownDivision,
        errors.UnitCodeTaken,
    ),
)
async def create_unit(
    new: UnitIn, admin: UnitAdmin, units: UnitService, idempotency: Idempotent
) -> JSONResponse:
    """Open a unit in the subtree of the calling administrator."""
    unit = await units.create(admin, new)
    return await idempotency.keep(UnitOut.model_validate(unit))


@router.get(
    "/snapshot/units",
    summary="全部单位（供其他服务重建副本）",
    description="内容与事件 `unit.changed` 相同，按标识排列。",
    responses=problems.responses(InsufficientScope),
)
async def snapshot_units(_: DirectoryReader, units: UnitService, paging: Paging) -> Page[UnitChangedV1]:
    """Return the state of all units, as in the event `unit.changed`, by id."""
    rows = await units.snapshot(paging.key(UUID), paging.limit)
    return page(rows, paging.limit, lambda unit: [unit.unit_id])
