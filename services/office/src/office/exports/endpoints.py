"""The API of exports. The features that start them have endpoints of their own for it."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from authkit.errors import PermissionRequired
from contracts.documents import ExportAction, ExportFormat
from contracts.vocabulary import ExportStatus
from filekit import vcards
from office.actors import Member
from office.directory.dependencies import UnitService
from office.directory.errors import REFUSALS
from office.exports.auth import ExportAuditor
from office.exports.dependencies import ExportService
from office.exports.errors import ExportEnded, ExportNotReady
from office.exports.repository import parts
from office.exports.schemas import ExportEventOut, ExportOut
from servicekit.dependencies import ServiceDatabase
from servicekit.paging import BadCursor, CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1", tags=["导出"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TYPES = {
    ExportFormat.XLSX: XLSX,
    ExportFormat.VCF: vcards.MEDIA_TYPE,
    ExportFormat.ZIP: "application/zip",
}
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


@router.get("/exports", summary="我的导出", responses=responses(*REFUSALS, BadCursor))
async def list_exports(
    actor: Member,
    exports: ExportService,
    paging: Paging,
    status: Annotated[ExportStatus | None, Query(description="状态")] = None,
) -> CountedPage[ExportOut]:
    """本人在当前单位提出的导出，从新到旧，保留 7 天。进度在单个导出中查看。"""
    return (await exports.list(actor, status, paging)).page(ExportOut.of)


@router.get("/exports/{export_id}", summary="查看导出", responses=responses(*REFUSALS, NotFound))
async def get_export(export_id: UUID, actor: Member, exports: ExportService) -> ExportOut:
    """状态和进度。"""
    return ExportOut.of_view(await exports.get(actor, export_id))


@router.post(
    "/exports/{export_id}/cancel", summary="取消导出", responses=responses(*REFUSALS, NotFound, ExportEnded)
)
async def cancel_export(export_id: UUID, actor: Member, exports: ExportService) -> ExportOut:
    """不再生成文件。"""
    return ExportOut.of_view(await exports.cancel(actor, export_id))


@router.get(
    "/exports/{export_id}/file",
    summary="下载导出的文件",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Excel 工作簿、电子名片或 ZIP 压缩包",
            "content": dict.fromkeys(_TYPES.values(), _BINARY),
        },
        **responses(*REFUSALS, NotFound, ExportNotReady),
    },
)
async def download_export(
    export_id: UUID, actor: Member, units: UnitService, exports: ExportService, database: ServiceDatabase
) -> StreamingResponse:
    """只有提出导出的本人，在提出时的单位，可以下载。下载留痕。"""
    await units.own(actor)
    export = await exports.file(actor, export_id)
    # RFC 6266 §5, with RFC 8187 for the Chinese name.
    name = quote(export.file_name, safe="")
    headers = {
        "Content-Disposition": f"attachment; filename=\"export.{export.format}\"; filename*=UTF-8''{name}",
        "Content-Length": str(export.size),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(parts(database, export.id), media_type=_TYPES[export.format], headers=headers)


@router.get("/export-log", summary="导出记录", responses=responses(*REFUSALS, PermissionRequired, BadCursor))
async def list_export_log(
    actor: ExportAuditor,
    exports: ExportService,
    paging: Paging,
    action: Annotated[ExportAction | None, Query(description="提出或下载")] = None,
    by: Annotated[UUID | None, Query(description="只列此人的")] = None,
) -> CountedPage[ExportEventOut]:
    """本单位人员提出和下载的导出，从新到旧：何人、何时、哪个文件、多少行。"""
    return (await exports.log(actor, action, by, paging)).page(ExportEventOut.of)
