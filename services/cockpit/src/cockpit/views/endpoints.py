"""The API of the views."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response

from cockpit.access.auth import REFUSALS
from cockpit.cells.dimensions import Calendar, Sector, Tree
from cockpit.metrics.catalogue import Module
from cockpit.query.conditional import conditional
from cockpit.query.errors import PLACE_REFUSALS, QuestionNotOffered
from cockpit.views.dependencies import ViewService
from cockpit.views.schemas import ViewOut
from cockpit.views.service import Wanted
from cockpit.walls.dependencies import ViewerOrWall
from cockpit.walls.errors import WallRefused
from servicekit import problems

router = APIRouter(prefix="/api/v1", tags=["专题"], responses=problems.responses(*REFUSALS, *PLACE_REFUSALS))


@router.get(
    "/views/{module}",
    summary="专题页面",
    description="资助概览、困难学生、资助学生、资助资金各页所需的全部数据：主要指标及同比、环比，走势，构成，"
    "资金漏斗，各下级及地图代码，可用的时期。ETag 仅在数据变化时改变。",
    response_model=ViewOut,
    responses={
        200: {"headers": {"ETag": {"description": "数据的版本", "schema": {"type": "string"}}}},
        304: {"description": "数据未变（If-None-Match）"},
        **problems.responses(QuestionNotOffered, WallRefused),
    },
)
async def get_view(
    request: Request,
    actor: ViewerOrWall,
    views: ViewService,
    module: Annotated[Module, Path(description="模块")],
    sector: Annotated[Sector | None, Query(description="教育类别，默认全部")] = None,
    tree: Annotated[Tree, Query(description="按隶属关系或按属地")] = Tree.AUTHORITY,
    unit: Annotated[UUID | None, Query(description="单位（按隶属），默认为本单位")] = None,
    region: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{6}$", description="行政区划代码（按属地），默认为本单位所在区划"),
    ] = None,
    calendar: Annotated[Calendar | None, Query(description="日历，默认为本页常用的")] = None,
    period: Annotated[
        str | None, Query(max_length=20, description="时期，默认为有数据的最近一期", examples=["2024"])
    ] = None,
    _: Annotated[
        str | None, Header(alias="If-None-Match", max_length=1000, description="已有数据的 ETag")
    ] = None,
) -> Response:
    """Return everything that the page of a module shows for a place, period and sector."""
    view, as_of = await views.view(actor, Wanted(module, sector, tree, unit, region, calendar, period))
    return conditional(request, view.tag, partial(view.body, as_of))
