"""REST API of units: reading, opening, and changes that leave the unit where it is."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, MembershipRequired, OutOfReach, PermissionRequired
from authkit.idempotency import Idempotent
from contracts.identity import UnitChangedV1
from contracts.vocabulary import Kind, Level, Stage, UnitStatus
from identity.units import errors
from identity.units.auth import DirectoryReader, NamesReader, UnitAdmin
from identity.units.dependencies import UnitService, UnitViewService
from identity.units.schemas import (
    DetailsIn,
    RenameIn,
    UnitIn,
    UnitNode,
    UnitOut,
)
from identity.units.view_repository import Filters, UnitSort
from servicekit import problems
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.ltree import path_of
from servicekit.paging import CountedPage, Page, Paging, Total, encode, page

router = APIRouter(prefix="/api/v1", tags=["单位"], responses=problems.responses(*REFUSALS))
_READ = (MembershipRequired, InsufficientScope, errors.UnitNotFound)
_PAST = (*_READ, errors.NoUnitOnDay, errors.DayInFuture)
_DATED = (errors.EffectiveInFuture, errors.EffectiveTooEarly)
_CHANGE = (
    MembershipRequired,
    PermissionRequired,
    OutOfReach,
    errors.UnitNotFound,
    errors.UnitClosed,
    VersionChanged,
    PreconditionRequired,
    *_DATED,
)
OnDay = Annotated[
    date | None,
    Query(description="查询该日（北京时间日终）的情况，不能晚于今天；不填为现在", examples=["2026-06-30"]),
]


@router.get(
    "/units/{unit_id}",
    summary="查看单位",
    description="属于任一单位的人员和平台管理员都可以查看任何单位，包括以往任一日的名称、隶属关系等。",
    responses=problems.responses(*_PAST),
)
async def get_unit(
    unit_id: UUID,
    _: NamesReader,
    units: UnitService,
    views: UnitViewService,
    response: Response,
    on: OnDay = None,
) -> UnitOut:
    """Return a unit, for any member of a unit and any administrator of the platform; with `on`, as it was at
    the end of that day.
    """
    if on is not None:
        return await views.on(unit_id, on)
    unit = await units.get(unit_id)
    response.headers["ETag"] = etag(unit.version)
    return UnitOut.model_validate(unit)


@router.get(
    "/units/by-code/{code}",
    summary="按代码查看单位",
    description="现在或曾经使用该代码的单位。",
    responses=problems.responses(*_READ),
)
async def get_unit_by_code(code: str, _: NamesReader, units: UnitService, response: Response) -> UnitOut:
    """Return the active or closed unit with this code."""
    unit = await units.by_code(code)
    response.headers["ETag"] = etag(unit.version)
    return UnitOut.model_validate(unit)


@router.get(
    "/units/{unit_id}/children",
    summary="下级单位",
    description="正常状态的直接下级单位，按代码排列；可以查询以往任一日的，此时不按名称筛选。",
    responses=problems.responses(*_PAST),
)
async def list_children(
    unit_id: UUID,
    _: NamesReader,
    units: UnitService,
    views: UnitViewService,
    paging: Paging,
    q: Annotated[str | None, Query(max_length=50, description="名称包含")] = None,
    on: OnDay = None,
) -> CountedPage[UnitOut]:
    """Return active direct children by code; with `on`, those at the end of that day."""
    if on is not None:
        return await views.children_on(unit_id, on, paging)
    found = await units.children(unit_id, q, paging)
    return found.page(lambda row: UnitOut.model_validate(row))


@router.get(
    "/units/{unit_id}/ancestors",
    summary="上级单位",
    description="从最高一级到该单位自己；可以查询以往任一日的。",
    responses=problems.responses(*_PAST),
)
async def list_ancestors(
    unit_id: UUID, _: NamesReader, views: UnitViewService, on: OnDay = None
) -> list[UnitOut]:
    """Return the superiors of a unit and the unit itself, the root first; with `on`, those of that day."""
    if on is not None:
        return await views.ancestors_on(unit_id, on)
    return [UnitOut.model_validate(unit) for unit in await views.ancestors(unit_id)]


@router.get(
    "/units/{unit_id}/tree",
    summary="单位树",
    description="该单位及其以下若干层正常状态的单位；每个单位最多列出 100 个直接下级。可以查询以往任一日的。",
    responses=problems.responses(*_PAST),
)
async def get_unit_tree(
    unit_id: UUID,
    _: NamesReader,
    views: UnitViewService,
    depth: Annotated[int, Query(ge=1, le=3, description="层数")] = 1,
    on: OnDay = None,
) -> UnitNode:
    """Return a unit with some levels below it; with `on`, those at the end of that day."""
    if on is not None:
        return await views.tree_on(unit_id, on, depth)
    return await views.tree(unit_id, depth)


@router.get(
    "/units/{unit_id}/subtree",
    summary="管辖范围内的单位",
    description=(
        "该单位及其所有下级单位，可按层级、类别、学段和状态筛选。可以查询以往任一日的，此时按隶属关系排列；"
        "一页可能少于所要的条数，有 `next` 即还有下一页，不止一页的只计本页条数。"
    ),
    responses=problems.responses(*_PAST, errors.DaySortedByPath),
)
async def list_subtree(
    unit_id: UUID,
    _: NamesReader,
    views: UnitViewService,
    paging: Paging,
    level: Annotated[Level | None, Query(description="层级")] = None,
    kind: Annotated[Kind | None, Query(description="类别")] = None,
    stage: Annotated[Stage | None, Query(description="包含的学段")] = None,
    status: Annotated[UnitStatus | None, Query(description="状态；不填为全部")] = None,
    sort: Annotated[
        UnitSort, Query(description="排列：path 按隶属关系，name 按名称，opened_at 从新到旧")
    ] = UnitSort.PATH,
    on: OnDay = None,
) -> CountedPage[UnitOut]:
    """Return units at and below a unit; with `on`, those at the end of that day."""
    filters = Filters(level, kind, stage, status)
    if on is not None:
        if sort is not UnitSort.PATH:
            raise errors.DaySortedByPath
        last = paging.key(path_of)
        past = await views.subtree_on(unit_id, on, filters, None if last is None else last[0], paging.limit)
        following = None if past.next is None else encode([past.next])
        # Walking the whole tree of a day to count it would take as long as reading all pages.
        only = last is None and following is None
        total = Total(count=len(past.items), exact=only)
        return CountedPage(items=past.items, next=following, total=total)
    found = await views.subtree(unit_id, filters, sort, paging)
    return found.page(lambda row: UnitOut.model_validate(row))


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
        *_DATED,
    ),
)
async def create_unit(
    new: UnitIn, admin: UnitAdmin, units: UnitService, idempotency: Idempotent
) -> JSONResponse:
    """Open a unit in the subtree of the calling administrator."""
    unit = await units.create(admin, new)
    headers = {"ETag": etag(unit.version), "Location": f"/api/v1/units/{unit.id}"}
    return await idempotency.keep(UnitOut.model_validate(unit), headers=headers)


@router.post(
    "/units/{unit_id}/rename",
    summary="单位更名",
    description="变更名称和简称；以前的名称保留在沿革中。",
    responses=problems.responses(*_CHANGE),
)
async def rename_unit(
    unit_id: UUID,
    asked: RenameIn,
    admin: UnitAdmin,
    units: UnitService,
    seen: RequiredIfMatch,
    response: Response,
) -> UnitOut:
    """Rename a unit."""
    unit = await units.rename(admin, unit_id, asked, seen)
    response.headers["ETag"] = etag(unit.version)
    return UnitOut.model_validate(unit)


@router.patch(
    "/units/{unit_id}",
    summary="变更单位信息",
    description="变更学段、属地、值班电话和地址；未提供的保持不变。",
    responses=problems.responses(*_CHANGE, errors.UnknownDivision),
)
async def amend_unit(
    unit_id: UUID,
    asked: DetailsIn,
    admin: UnitAdmin,
    units: UnitService,
    seen: RequiredIfMatch,
    response: Response,
) -> UnitOut:
    """Change other attributes of a unit."""
    unit = await units.amend(admin, unit_id, asked, seen)
    response.headers["ETag"] = etag(unit.version)
    return UnitOut.model_validate(unit)


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
