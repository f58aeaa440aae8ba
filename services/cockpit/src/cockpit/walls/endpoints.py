"""The API of wall displays. They are allowed at Identity's page for devices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.errors import PermissionRequired
from cockpit.access.auth import REFUSALS, Viewer
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.walls import errors
from cockpit.walls.dependencies import WallService
from cockpit.walls.schemas import WallOut
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.paging import BadCursor, CountedPage, Paging

router = APIRouter(prefix="/api/v1/walls", tags=["大屏"], responses=problems.responses(*REFUSALS))


@router.get(
    "",
    summary="大屏列表",
    description=(
        "本单位及下级的大屏：名称、批准人、最近取数时间。大屏以设备流程（RFC 8628）申请 `cockpit:wall`，"
        "由有驾驶舱权限的人在统一认证的设备页面批准并命名，只能查看该单位的专题页面。"
    ),
    responses=problems.responses(UnitNotReplicated, UnitOutOfReach, UnitNotFound, BadCursor),
)
async def list_walls(
    actor: Viewer,
    walls: WallService,
    paging: Paging,
    unit: Annotated[UUID | None, Query(description="只列此单位的")] = None,
    ended: Annotated[bool, Query(description="列已停用和到期的，默认列在用的")] = False,
) -> CountedPage[WallOut]:
    """Return wall displays."""
    return (await walls.list(actor, unit, paging, ended=ended)).page(WallOut.of)


@router.post(
    "/{wall_id}/stop",
    summary="停用大屏",
    description="立即生效，不能恢复，须在大屏上重新申请。批准人本人，或本单位及上级有系统授权权限的人可以停用。",
    responses=problems.responses(PermissionRequired, errors.WallNotFound, errors.WallEnded),
)
async def stop_wall(wall_id: UUID, actor: Viewer, walls: WallService) -> WallOut:
    """End a wall display."""
    return WallOut.of(await walls.stop(actor, wall_id))
