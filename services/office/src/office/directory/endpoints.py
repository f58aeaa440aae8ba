"""The read API of the directory: unit names for front ends."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.errors import OutOfReach
from office.actors import Member
from office.directory.dependencies import UnitService
from office.directory.errors import REFUSALS
from office.directory.schemas import ListedUnitOut
from servicekit.paging import BadCursor, CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/units", tags=["单位目录"])


@router.get(
    "",
    summary="列出本单位及下级单位",
    responses=responses(*REFUSALS, OutOfReach, NotFound, BadCursor),
)
async def list_units(
    actor: Member,
    units: UnitService,
    paging: Paging,
    under: Annotated[UUID | None, Query(description="只列该单位及其下级；默认本单位")] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="名称或简称中的文字、拼音、拼音首字母，可用空格分隔多个词；或单位代码的开头",
            examples=["历下"],
        ),
    ] = None,
) -> CountedPage[ListedUnitOut]:
    """只包括正常状态的单位。按隶属路径排序；查找时，以所查内容开头的在前，其中层级高的在前。"""
    found, total = await units.list(actor, paging, under=under, words=q)
    return CountedPage(items=[ListedUnitOut.of(unit) for unit in found.items], next=found.next, total=total)


@router.get(
    "/{unit_id}",
    summary="查看单位",
    responses=responses(*REFUSALS, OutOfReach, NotFound),
)
async def get_unit(unit_id: UUID, actor: Member, units: UnitService) -> ListedUnitOut:
    """本单位或下级单位，连同其各级上级。"""
    [unit] = await units.listed([await units.reachable(actor, unit_id)])
    return ListedUnitOut.of(unit)
