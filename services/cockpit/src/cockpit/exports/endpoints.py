"""The API of files of figures."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from cockpit.access.auth import REFUSALS, Viewer
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.cells.errors import FiguresIncomplete
from cockpit.exports.overview import table_of
from cockpit.exports.rules import Table
from cockpit.exports.writing import csv_text, workbook
from cockpit.intake.rules import FIRST_YEAR, LAST_YEAR
from cockpit.overview.dependencies import OverviewService
from filekit.http import BINARY, attachment
from filekit.sniff import XLSX
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.dependencies import ServiceClock

router = APIRouter(
    prefix="/api/v1",
    tags=["资助概览"],
    responses=problems.responses(
        *REFUSALS, UnitNotReplicated, UnitOutOfReach, UnitNotFound, FiguresIncomplete
    ),
)

UnitId = Annotated[UUID | None, Query(description="单位，默认为本单位；只能是本单位或下级")]
Year = Annotated[int, Query(ge=FIRST_YEAR, le=LAST_YEAR, description="年度（自然年）", examples=[2017])]


@router.get(
    "/overview.xlsx",
    summary="导出资助概览（Excel）",
    description="数值精确到分；第二个工作表为口径、数据截止时间和导出时间。不予显示的数值为 *。",
    response_class=Response,
    responses={200: {"content": {XLSX: BINARY}, "description": "Excel 工作簿"}},
)
async def export_overview_workbook(
    actor: Viewer, overviews: OverviewService, clock: ServiceClock, year: Year, unit: UnitId = None
) -> Response:
    """Return an overview as a workbook."""
    table = table_of(await overviews.overview(actor, unit, year), clock.now())
    return _file(table, "xlsx", XLSX, await asyncio.to_thread(workbook, table), year)


@router.get(
    "/overview.csv",
    summary="导出资助概览（CSV）",
    description="UTF-8 编码，带 BOM；表格之后空一行，为口径、数据截止时间和导出时间。不予显示的数值为 *。",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"example": "范围,...\n"}}, "description": "CSV 文件"}},
)
async def export_overview_csv(
    actor: Viewer, overviews: OverviewService, clock: ServiceClock, year: Year, unit: UnitId = None
) -> Response:
    """Return an overview as CSV."""
    table = table_of(await overviews.overview(actor, unit, year), clock.now())
    return _file(table, "csv", "text/csv; charset=utf-8", csv_text(table), year)


def _file(table: Table, extension: str, media_type: str, content: bytes, year: int) -> Response:
    name = attachment(f"{table.title}{year}.{extension}", plain=f"overview-{year}.{extension}")
    return Response(content, media_type=media_type, headers=name)
