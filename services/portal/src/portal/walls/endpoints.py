"""What the page of a wall display calls. The calls for its figures are in `portal.proxying`."""

from fastapi import APIRouter, BackgroundTasks, Request, Response

from portal.errors import CrossSite, IssuerUnavailable
from portal.sessions import cookies
from portal.sessions.dependencies import Guarded, browser_of
from portal.walls.dependencies import WallService
from portal.walls.schemas import WallOut
from servicekit import problems
from servicekit.qr import qr_svg

router = APIRouter(
    prefix="/bff/wall", tags=["大屏"], dependencies=[Guarded], responses=problems.responses(CrossSite)
)


@router.post(
    "",
    summary="申请大屏",
    description="取得代码和二维码，由有驾驶舱权限的人在统一认证批准（RFC 8628）。"
    "等待批准的保持原代码，已获准而被停用的重新申请。",
    responses=problems.responses(IssuerUnavailable),
)
async def begin_wall(
    request: Request, response: Response, walls: WallService, after: BackgroundTasks
) -> WallOut:
    """Begin a display, or go on with one."""
    begun = await walls.begin(cookies.presented(request, cookies.WALL))
    if begun.secret is not None:
        cookies.put_wall(response, begun.secret)
    after.add_task(walls.revoke, begun.given_up)
    if begun.code is None:
        return WallOut(state=begun.state)
    return WallOut(
        state=begun.state,
        poll_seconds=begun.code.interval,
        user_code=begun.code.user_code,
        address=begun.code.address,
        qr_svg=qr_svg(begun.code.link, "批准大屏的二维码"),
    )


@router.get(
    "", summary="大屏状态", description="大屏是否已获批准。到了间隔时间才向统一认证查询（RFC 8628 §3.5）。"
)
async def get_wall(request: Request, walls: WallService) -> WallOut:
    """Return the state of a display."""
    state, seconds = await walls.look(cookies.presented(request, cookies.WALL), browser_of(request))
    return WallOut(state=state, poll_seconds=seconds)
