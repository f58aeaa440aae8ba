"""The API of files of figures."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse

from authkit.errors import PermissionRequired
from cockpit.access.auth import REFUSALS, Viewer
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.cells.errors import FiguresIncomplete
from cockpit.exports import errors
from cockpit.exports.auth import ExportAuditor
from cockpit.exports.dependencies import ExportService
from cockpit.exports.repository import parts
from cockpit.exports.rules import FileFormat, Subject
from cockpit.exports.schemas import ExportIn, ExportOut, ExportUseOut, OverviewTable
from cockpit.exports.service import File, Running
from cockpit.exports.writing import MEDIA_TYPES
from cockpit.intake.rules import FIRST_YEAR, LAST_YEAR
from cockpit.query.errors import PLACE_REFUSALS, QuestionNotOffered, QuestionTooLarge
from contracts.vocabulary import ExportStatus
from filekit.http import BINARY, attachment
from filekit.sniff import XLSX
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.dependencies import ServiceDatabase
from servicekit.paging import BadCursor, CountedPage, Paging

EXPORTS = "/api/v1/exports"
router = APIRouter(prefix="/api/v1", tags=["导出"], responses=problems.responses(*REFUSALS))
overviews = APIRouter(prefix="/api/v1", tags=["资助概览"], responses=problems.responses(*REFUSALS))
"""Files of overviews, for links."""

UnitId = Annotated[UUID | None, Query(description="单位，默认为本单位；只能是本单位或下级")]
Year = Annotated[int, Query(ge=FIRST_YEAR, le=LAST_YEAR, description="年度（自然年）", examples=[2017])]
_OVERVIEW = problems.responses(UnitNotReplicated, UnitOutOfReach, UnitNotFound, FiguresIncomplete)
_FILES: dict[str, Any] = {XLSX: BINARY, "text/csv": {"example": "范围,...\n"}}


@router.post(
    "/exports",
    summary="导出",
    description=(
        "把指标查询的结果、专题页面的下级表或资助概览导出为 Excel 或 CSV：数值精确，附口径、日历、"
        "数据截止时间、导出时间和导出人；不予显示的数值为 *。不足 100,000 行（且不足 200,000 个数值）的"
        "直接返回文件；更大的由后台生成，返回 202 和导出的地址，可查看进度、取消，文件保留 7 天。"
        "每次导出留痕。"
    ),
    response_class=Response,
    responses={
        200: {"description": "文件", "content": _FILES},
        202: {
            "description": "由后台生成",
            "model": ExportOut,
            "headers": {"Location": {"description": "导出的地址", "schema": {"type": "string"}}},
        },
        **problems.responses(*PLACE_REFUSALS, QuestionNotOffered, QuestionTooLarge, errors.TooManyExports),
    },
)
async def create_export(given: ExportIn, actor: Viewer, exports: ExportService) -> Response:
    """Make a file of figures, or have it made."""
    return _answer(await exports.start(actor, given), given.table.kind)


@router.get(
    "/exports",
    summary="我的导出",
    description="本人在当前单位提出、由后台生成的导出，从新到旧，保留 7 天。",
    responses=problems.responses(BadCursor),
)
async def list_exports(
    actor: Viewer,
    exports: ExportService,
    paging: Paging,
    status: Annotated[ExportStatus | None, Query(description="状态")] = None,
) -> CountedPage[ExportOut]:
    """Return the caller's exports. Progress is in the single ones."""
    return (await exports.list(actor, status, paging)).page(ExportOut.of)


@router.get(
    "/exports/uses",
    summary="导出记录",
    description="本单位及下级单位何人在何时导出或下载过哪些表，从新到旧。",
    responses=problems.responses(PermissionRequired, BadCursor),
)
async def list_export_uses(
    actor: ExportAuditor, exports: ExportService, paging: Paging
) -> CountedPage[ExportUseOut]:
    """Return who has exported what."""
    return (await exports.uses(actor, paging)).page(ExportUseOut.of)


@router.get(
    "/exports/{export_id}",
    summary="查看导出",
    description="状态和进度。",
    responses=problems.responses(errors.ExportNotFound),
)
async def get_export(export_id: UUID, actor: Viewer, exports: ExportService) -> ExportOut:
    """Return an export with its progress."""
    return _out(await exports.get(actor, export_id))


@router.post(
    "/exports/{export_id}/cancel",
    summary="取消导出",
    description="不再生成文件。",
    responses=problems.responses(errors.ExportNotFound, errors.ExportEnded),
)
async def cancel_export(export_id: UUID, actor: Viewer, exports: ExportService) -> ExportOut:
    """Stop making a file."""
    return _out(await exports.cancel(actor, export_id))


@router.get(
    "/exports/{export_id}/file",
    summary="下载导出的文件",
    description="只有提出导出的本人，在提出时的单位，可以下载。下载留痕。",
    response_class=StreamingResponse,
    responses={
        200: {"description": "文件", "content": _FILES},
        **problems.responses(UnitNotReplicated, errors.ExportNotFound, errors.ExportNotReady),
    },
)
async def download_export(
    export_id: UUID, actor: Viewer, exports: ExportService, database: ServiceDatabase
) -> StreamingResponse:
    """Return the file that a job has made."""
    export = await exports.file(actor, export_id)
    headers = {
        **attachment(export.file_name, plain=f"export.{export.format.value}"),
        "Content-Length": str(export.size),
    }
    return StreamingResponse(
        parts(database, export.id), media_type=MEDIA_TYPES[export.format], headers=headers
    )


@overviews.get(
    "/overview.xlsx",
    summary="导出资助概览（Excel）",
    description="同导出资助概览（POST /api/v1/exports），供链接使用。",
    response_class=Response,
    responses={200: {"content": {XLSX: BINARY}, "description": "Excel 工作簿"}, **_OVERVIEW},
)
async def export_overview_workbook(
    actor: Viewer, exports: ExportService, year: Year, unit: UnitId = None
) -> Response:
    """Return an overview as a workbook."""
    return await _overview(actor, exports, unit, year, FileFormat.XLSX)


@overviews.get(
    "/overview.csv",
    summary="导出资助概览（CSV）",
    description="UTF-8 编码，带 BOM；表格之后空一行，为口径和说明。同导出资助概览，供链接使用。",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {"example": "范围,...\n"}}, "description": "CSV 文件"},
        **_OVERVIEW,
    },
)
async def export_overview_csv(
    actor: Viewer, exports: ExportService, year: Year, unit: UnitId = None
) -> Response:
    """Return an overview as CSV."""
    return await _overview(actor, exports, unit, year, FileFormat.CSV)


async def _overview(
    actor: Viewer, exports: ExportService, unit: UUID | None, year: int, format_: FileFormat
) -> Response:
    table = OverviewTable(kind=Subject.OVERVIEW, unit=unit, year=year)
    found = await exports.start(actor, ExportIn(table=table, format=format_))
    return _answer(found, Subject.OVERVIEW)


def _answer(found: File | Running, subject: Subject) -> Response:
    if isinstance(found, Running):
        content = _out(found).model_dump(mode="json")
        return JSONResponse(content, 202, headers={"Location": f"{EXPORTS}/{found.export.id}"})
    extension = found.format.value
    headers = attachment(f"{found.name}.{extension}", plain=f"{subject.value}.{extension}")
    return Response(found.content, media_type=MEDIA_TYPES[found.format], headers=headers)


def _out(found: Running) -> ExportOut:
    return ExportOut.of(found.export, found.job)
