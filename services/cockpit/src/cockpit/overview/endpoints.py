"""The API of 资助概览."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from cockpit.access.auth import REFUSALS, Viewer
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.cells.errors import FiguresIncomplete
from cockpit.intake.rules import FIRST_YEAR, LAST_YEAR
from cockpit.overview.dependencies import OverviewService
from cockpit.overview.schemas import Overview, Years
from cockpit.query.conditional import unchanged
from replica.errors import UnitNotReplicated
from servicekit import problems

router = APIRouter(
    prefix="/api/v1",
    tags=["资助概览"],
    responses=problems.responses(
        *REFUSALS, UnitNotReplicated, UnitOutOfReach, UnitNotFound, FiguresIncomplete
    ),
)

UnitId = Annotated[UUID | None, Query(description="单位，默认为本单位；只能是本单位或下级")]


@router.get(
    "/overview",
    summary="资助概览",
    description="一个单位的资助情况、公布的数据及其勾稽关系，以及可下钻的下级单位。ETag 仅在数据变化时改变。",
    response_model=Overview,
    responses={
        200: {"headers": {"ETag": {"description": "数据的版本", "schema": {"type": "string"}}}},
        304: {"description": "数据未变（If-None-Match）"},
    },
)
async def get_overview(
    request: Request,
    response: Response,
    actor: Viewer,
    overviews: OverviewService,
    year: Annotated[int, Query(ge=FIRST_YEAR, le=LAST_YEAR, description="年度（自然年）", examples=[2017])],
    unit: UnitId = None,
    _: Annotated[
        str | None, Header(alias="If-None-Match", max_length=1000, description="已有数据的 ETag")
    ] = None,
) -> Overview | Response:
    """Return a unit's awards, its published figures with their checks, and its children for drill-down."""
    overview = await overviews.overview(actor, unit, year)
    return unchanged(request, response, overview) or overview


@router.get("/overview/years", summary="有数据的年度", description="一个单位有任何数据的年度。")
async def get_years(actor: Viewer, overviews: OverviewService, unit: UnitId = None) -> Years:
    """Return the years for which a unit has any figure."""
    return await overviews.years(actor, unit)
