"""REST API of the audit log for audit administrators."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from authkit.dependencies import REFUSALS
from identity.audit_review import errors
from identity.audit_review.auth import REFUSED, AuditAdmin
from identity.audit_review.dependencies import AuditTrailService
from identity.audit_review.repository import ExportRepository, Filters
from identity.audit_review.schemas import AuditExportIn, AuditExportOut, AuditRecordOut, AuditSealOut
from servicekit import problems
from servicekit.db import Database
from servicekit.dependencies import ServiceClock
from servicekit.lists import AgeSort
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1/audit", tags=["审计"], responses=problems.responses(*REFUSALS, *REFUSED))

_WEEK = timedelta(days=7)
Since = Annotated[AwareDatetime | None, Query(description="从何时起，默认为 until 之前七天；须带时区")]
Until = Annotated[AwareDatetime | None, Query(description="到何时为止（不含），默认为现在；须带时区")]
Word = Annotated[str | None, Query(min_length=1, max_length=200)]


@router.get(
    "",
    summary="查询审计日志",
    description="默认从新到旧。查询本身也记入审计日志。"
    "未指定操作人、对象或请求编号时，时间范围不超过 93 天。",
    responses=problems.responses(errors.RangeReversed, errors.RangeTooLong, errors.SearchTooBroad),
)
async def search_audit(
    admin: AuditAdmin,
    trail: AuditTrailService,
    clock: ServiceClock,
    paging: Paging,
    since: Since = None,
    until: Until = None,
    actor: Annotated[Word, Query(description="操作人的标识")] = None,
    action: Annotated[Word, Query(description="动作，如 account.suspended")] = None,
    target: Annotated[Word, Query(description="对象的标识")] = None,
    correlation_id: Annotated[Word, Query(description="请求编号")] = None,
    sort: Annotated[AgeSort, Query(description="排列")] = AgeSort.NEWEST,
) -> CountedPage[AuditRecordOut]:
    """Return audit rows with the names of people and units. The search is recorded."""
    # Rows of this moment are in it: their ids have the next milliseconds.
    end = until or clock.now() + timedelta(minutes=1)
    filters = Filters(since or end - _WEEK, end, actor, action, target, correlation_id)
    found = await trail.search(admin, filters, sort, paging)
    names = await trail.names(
        one
        for row in found.items
        for one in (row.actor, row.target_id, row.details.get("sub"), row.details.get("unit"))
    )
    return found.page(lambda row: AuditRecordOut.of(row, names))


@router.get(
    "/seals",
    summary="审计日志的封存记录",
    description="从新到旧。每批的摘要包含上一批的摘要；另行保存摘要，可证明此前的记录未被改动。",
)
async def list_audit_seals(
    _: AuditAdmin, trail: AuditTrailService, paging: Paging
) -> CountedPage[AuditSealOut]:
    """Return seals, latest first."""
    return (await trail.seals(paging)).page(AuditSealOut.of)


@router.post(
    "/exports",
    status_code=202,
    summary="导出审计日志",
    description="由后台任务写成文件：每行一条 JSON，gzip 压缩，附带签名清单。文件保留七天。",
    responses=problems.responses(errors.RangeReversed),
)
async def export_audit(
    wanted: AuditExportIn, admin: AuditAdmin, trail: AuditTrailService, response: Response
) -> AuditExportOut:
    """Ask for a file, which a job writes."""
    export = await trail.export(admin, wanted.filters(), wanted.reason)
    response.headers["Location"] = f"{router.prefix}/exports/{export.id}"
    return AuditExportOut.of(export, None, await trail.names([export.requested_by]))


@router.get(
    "/exports",
    summary="审计日志的导出",
    description="从新到旧，保留七天。",
)
async def list_audit_exports(
    _: AuditAdmin, trail: AuditTrailService, paging: Paging
) -> CountedPage[AuditExportOut]:
    """Return exports, latest first."""
    found = await trail.exports(paging)
    names = await trail.names(pair[0].requested_by for pair in found.items)
    return found.page(lambda pair: AuditExportOut.of(*pair, names))


@router.get(
    "/exports/{export_id}",
    summary="查看一次导出",
    description="进度；完成后含签名清单。",
    responses=problems.responses(errors.ExportNotFound),
)
async def get_audit_export(export_id: UUID, _: AuditAdmin, trail: AuditTrailService) -> AuditExportOut:
    """Return an export and its progress."""
    export, job = await trail.find(export_id)
    return AuditExportOut.of(export, job, await trail.names([export.requested_by]))


@router.get(
    "/exports/{export_id}/file",
    summary="下载导出的文件",
    description="每行一条 JSON，gzip 压缩。其 SHA-256 见签名清单。",
    response_class=StreamingResponse,
    responses={
        **problems.responses(errors.ExportNotFound, errors.ExportNotReady),
        200: {"description": "文件", "content": {"application/gzip": {}}},
    },
)
async def download_audit_export(
    export_id: UUID, request: Request, admin: AuditAdmin, trail: AuditTrailService
) -> StreamingResponse:
    """Stream the file of a complete export. The download is recorded."""
    row = await trail.complete(admin, export_id)
    return StreamingResponse(
        _file(request.app.state.database, row.id),
        media_type="application/gzip",
        headers={
            "Content-Disposition": f'attachment; filename="audit-{row.id}.jsonl.gz"',
            "Content-Length": str(row.size),
            "Cache-Control": "no-store",
        },
    )


async def _file(database: Database, export_id: UUID) -> AsyncIterator[bytes]:
    number = 0
    while True:
        async with database.transaction() as session:
            content = await ExportRepository(session).part(export_id, number)
        if content is None:
            return
        yield content
        number += 1
