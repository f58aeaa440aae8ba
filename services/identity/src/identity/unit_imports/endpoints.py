"""REST API of imports and exports of units."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from authkit.dependencies import REFUSALS
from authkit.errors import MembershipRequired, OutOfReach, PermissionRequired
from contracts.vocabulary import ExportStatus, FileFormat, UnitImportResult, UnitImportStatus
from filekit.http import BINARY, TABLE_BODY, UPLOAD_ERRORS, FileScanner, attachment, uploaded
from filekit.spool import blocks, temporary_file
from identity.dependencies import ServiceSettings
from identity.directory.dependencies import DirectoryService
from identity.unit_imports import errors, writing
from identity.unit_imports.dependencies import UnitImportService
from identity.unit_imports.repository import parts
from identity.unit_imports.schemas import (
    ApplyIn,
    DocumentNumber,
    ExportIn,
    FileName,
    ImportRowOut,
    Reason,
    UnitExportOut,
    UnitImportOut,
)
from identity.units.auth import UnitAdmin
from identity.units.errors import EffectiveInFuture, UnitNotFound
from servicekit import problems
from servicekit.dependencies import ServiceDatabase
from servicekit.lists import AgeSort
from servicekit.paging import CountedPage, Paging

UPLOADS = "/api/v1/unit-imports"
"""Below this path the larger body limit holds."""

router = APIRouter(prefix="/api/v1", tags=["单位导入导出"], responses=problems.responses(*REFUSALS))
_ADMIN = (MembershipRequired, PermissionRequired, OutOfReach)
_ONE = (*_ADMIN, errors.ImportNotFound)
_FILE: dict[int | str, dict[str, object]] = {
    200: {
        "description": "文件",
        "content": {writing.MEDIA_TYPES[FileFormat.XLSX]: BINARY, "text/csv": BINARY},
    }
}


@router.post(
    "/unit-imports",
    status_code=202,
    summary="上传单位表格",
    description=(
        "请求体就是文件：Excel 工作簿（.xlsx）或 CSV（UTF-8 或 GB18030）。"
        "只校验，不变更；校验结果确认后再导入。"
        "按单位代码识别：没有的新增，已有的变更，空白的单元格保持不变。"
    ),
    openapi_extra=TABLE_BODY,
    responses=problems.responses(
        *_ADMIN,
        *UPLOAD_ERRORS,
        EffectiveInFuture,
        errors.TooManyImports,
    ),
)
async def upload_units(
    request: Request,
    admin: UnitAdmin,
    imports: UnitImportService,
    settings: ServiceSettings,
    scanner: FileScanner,
    directory: DirectoryService,
    response: Response,
    file_name: Annotated[FileName, Query(description="文件名", examples=["2026年学校名录.xlsx"])],
    reason: Annotated[Reason, Query(description="变更的原因", examples=["年度核对"])],
    document_number: Annotated[DocumentNumber | None, Query(description="文号")] = None,
    effective_on: Annotated[
        date | None,
        Query(description="生效日期（北京时间），不填为当天，不能晚于当天", examples=["2026-09-01"]),
    ] = None,
) -> UnitImportOut:
    """Receive a table of units and check it in the background."""
    async with uploaded(request, scanner, limit=settings.import_limit_bytes) as file:
        row = await imports.upload(
            admin,
            file,
            file_name=file_name,
            effective_on=effective_on,
            reason=reason,
            document_number=document_number,
        )
    response.headers["Location"] = f"/api/v1/unit-imports/{row.id}"
    return await directory.named(UnitImportOut.of(row, await imports.job(row)))


@router.get(
    "/unit-imports",
    summary="单位导入列表",
    description="管辖范围内的导入，默认从新到旧；保留 30 天。",
    responses=problems.responses(*_ADMIN),
)
async def list_unit_imports(
    admin: UnitAdmin,
    imports: UnitImportService,
    directory: DirectoryService,
    paging: Paging,
    status: Annotated[UnitImportStatus | None, Query(description="状态")] = None,
    sort: Annotated[AgeSort, Query(description="排列")] = AgeSort.NEWEST,
) -> CountedPage[UnitImportOut]:
    """Return imports."""
    found = await imports.list(admin, status, sort, paging)
    return await directory.named_page(found.page(UnitImportOut.of))


@router.get(
    "/unit-imports/template",
    summary="单位表格模板",
    description="只有表头和一行示例的工作簿。",
    response_class=StreamingResponse,
    responses={**_FILE, **problems.responses(*_ADMIN)},
)
async def get_unit_template(_: UnitAdmin) -> StreamingResponse:
    """Return a workbook with the headings and one example."""
    return _download(_template(), "单位导入模板", FileFormat.XLSX)


@router.get(
    "/unit-imports/{import_id}",
    summary="查看单位导入",
    description="状态、进度和各类行数。",
    responses=problems.responses(*_ONE),
)
async def get_unit_import(
    import_id: UUID, admin: UnitAdmin, imports: UnitImportService, directory: DirectoryService
) -> UnitImportOut:
    """Return an import with its progress."""
    row = await imports.get(admin, import_id)
    return await directory.named(UnitImportOut.of(row, await imports.job(row)))


@router.get(
    "/unit-imports/{import_id}/rows",
    summary="单位导入的各行",
    description="按文件中的顺序；有错误的行列出全部错误。",
    responses=problems.responses(*_ONE),
)
async def list_import_rows(
    import_id: UUID,
    admin: UnitAdmin,
    imports: UnitImportService,
    paging: Paging,
    result: Annotated[UnitImportResult | None, Query(description="结果")] = None,
) -> CountedPage[ImportRowOut]:
    """Return rows in the order of the file."""
    return (await imports.rows(admin, import_id, result, paging)).page(ImportRowOut.of)


@router.get(
    "/unit-imports/{import_id}/failed-rows",
    summary="下载失败的行",
    description="有错误和未导入的行，各附全部原因；改正后可以直接上传。",
    response_class=StreamingResponse,
    responses={**_FILE, **problems.responses(*_ONE, errors.NoFailedRows)},
)
async def download_failed_rows(
    import_id: UUID, admin: UnitAdmin, imports: UnitImportService, database: ServiceDatabase
) -> StreamingResponse:
    """Return a workbook of the rows that are wrong or were refused."""
    file_id = await imports.failed_file(admin, import_id)
    return _download(parts(database, file_id), "失败的行", FileFormat.XLSX)


@router.get(
    "/unit-imports/{import_id}/report.csv",
    summary="下载全部结果",
    description="文件的全部行，各附结果和原因；CSV（UTF-8，带 BOM）。",
    response_class=StreamingResponse,
    responses={**_FILE, **problems.responses(*_ONE)},
)
async def download_import_report(
    import_id: UUID, admin: UnitAdmin, imports: UnitImportService
) -> StreamingResponse:
    """Return all rows of the file with their results."""
    return _download(await imports.report(admin, import_id), "导入结果", FileFormat.CSV)


@router.post(
    "/unit-imports/{import_id}/apply",
    status_code=202,
    summary="确认导入",
    description="在后台分批导入；中断后从中断处继续。有错误的行须选择跳过。",
    responses=problems.responses(*_ONE, errors.ImportNotReady, errors.NothingToImport, errors.RowsAreWrong),
)
async def apply_unit_import(
    import_id: UUID,
    asked: ApplyIn,
    admin: UnitAdmin,
    imports: UnitImportService,
    directory: DirectoryService,
    response: Response,
) -> UnitImportOut:
    """Open and change the units of a checked file in the background."""
    response.headers["Location"] = f"/api/v1/unit-imports/{import_id}"
    row = await imports.apply(admin, import_id, skip_wrong=asked.skip_wrong)
    return await directory.named(UnitImportOut.of(row, await imports.job(row)))


@router.post(
    "/unit-imports/{import_id}/cancel",
    summary="取消导入",
    description="已导入的保留，其余不再导入。",
    responses=problems.responses(*_ONE, errors.ImportNotReady),
)
async def cancel_unit_import(
    import_id: UUID, admin: UnitAdmin, imports: UnitImportService, directory: DirectoryService
) -> UnitImportOut:
    """Stop an import."""
    row = await imports.cancel(admin, import_id)
    return await directory.named(UnitImportOut.of(row, await imports.job(row)))


@router.post(
    "/unit-exports",
    status_code=202,
    summary="导出单位",
    description="管辖范围内某单位及其所有下级单位，可以只要某些层级、类别或状态；列与导入相同。在后台生成文件。",
    responses=problems.responses(*_ADMIN, UnitNotFound, errors.TooManyImports),
)
async def export_units(
    asked: ExportIn,
    admin: UnitAdmin,
    imports: UnitImportService,
    directory: DirectoryService,
    response: Response,
) -> UnitExportOut:
    """Write a subtree into a file in the background."""
    row = await imports.export(admin, asked)
    response.headers["Location"] = f"/api/v1/unit-exports/{row.id}"
    return await directory.named(UnitExportOut.of(row, await imports.job(row)))


@router.get(
    "/unit-exports",
    summary="我的单位导出",
    description="本人的导出，从新到旧；保留 30 天。",
    responses=problems.responses(*_ADMIN),
)
async def list_unit_exports(
    admin: UnitAdmin,
    imports: UnitImportService,
    directory: DirectoryService,
    paging: Paging,
    status: Annotated[ExportStatus | None, Query(description="状态")] = None,
) -> CountedPage[UnitExportOut]:
    """Return the caller's exports, latest first."""
    return await directory.named_page((await imports.exports(admin, status, paging)).page(UnitExportOut.of))


@router.get(
    "/unit-exports/{export_id}",
    summary="查看单位导出",
    description="状态和进度。",
    responses=problems.responses(*_ADMIN, errors.ExportNotFound),
)
async def get_unit_export(
    export_id: UUID, admin: UnitAdmin, imports: UnitImportService, directory: DirectoryService
) -> UnitExportOut:
    """Return an export with its progress."""
    row = await imports.get_export(admin, export_id)
    return await directory.named(UnitExportOut.of(row, await imports.job(row)))


@router.post(
    "/unit-exports/{export_id}/cancel",
    summary="取消导出",
    description="不再生成文件。",
    responses=problems.responses(*_ADMIN, errors.ExportNotFound, errors.ExportEnded),
)
async def cancel_unit_export(
    export_id: UUID, admin: UnitAdmin, imports: UnitImportService, directory: DirectoryService
) -> UnitExportOut:
    """Stop an export."""
    return await directory.named(UnitExportOut.of(await imports.cancel_export(admin, export_id)))


@router.get(
    "/unit-exports/{export_id}/file",
    summary="下载导出的文件",
    description="Excel 工作簿或 CSV（UTF-8，带 BOM）。",
    response_class=StreamingResponse,
    responses={
        **_FILE,
        **problems.responses(*_ADMIN, errors.ExportNotFound, errors.ExportNotReady),
    },
)
async def download_unit_export(
    export_id: UUID, admin: UnitAdmin, imports: UnitImportService, database: ServiceDatabase
) -> StreamingResponse:
    """Return the file of an export."""
    row = await imports.export_file(admin, export_id)
    return _download(parts(database, row.file_id), f"单位-{row.created_at:%Y%m%d}", row.format)


async def _template() -> AsyncIterator[bytes]:
    with temporary_file() as file:
        await asyncio.to_thread(writing.template, file)
        async for block in blocks(file):
            yield block


def _download(
    chunks: AsyncIterator[bytes] | AsyncIterator[str], name: str, format_: FileFormat
) -> StreamingResponse:
    headers = attachment(f"{name}.{format_}", plain=f"units.{format_}")
    return StreamingResponse(chunks, media_type=writing.MEDIA_TYPES[format_], headers=headers)
