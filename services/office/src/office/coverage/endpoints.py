"""The API of coverage."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.errors import OutOfReach
from office.actors import Member
from office.coverage.dependencies import CoverageService
from office.coverage.errors import ReceiptsArchived
from office.coverage.missing import Lack
from office.coverage.rules import Step
from office.coverage.schemas import ChangesPage, CoverageHistoryOut, CoverageOut, MissingPage
from office.directory.errors import REFUSALS
from office.exports.errors import TooManyExports
from office.exports.schemas import ExportOut
from office.groups.dependencies import PartQuery
from servicekit.paging import BadCursor, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])

_SEEING = (*REFUSALS, OutOfReach, NotFound, ReceiptsArchived)


@router.get(
    "/{notice_id}/coverage",
    summary="通知覆盖情况",
    responses=responses(*_SEEING),
)
async def get_coverage(
    notice_id: UUID,
    actor: Member,
    coverage: CoverageService,
    paging: Paging,
    part: PartQuery,
) -> CoverageOut:
    """发文单位和已收到通知的各级单位可查本单位范围内的情况：送达、签收、谁未转发、谁未签收。

    按通知送达时的隶属关系统计：此后新设的单位可以查看，但不计入；此后划转的单位仍计入送达时所在的上级；
    未签收即撤销的单位、退回已经来文单位确认的单位不再计入。limit 和 cursor 用于 missing。
    """
    return CoverageOut.of(await coverage.report(actor, notice_id, part, paging))


@router.get(
    "/{notice_id}/coverage/units",
    summary="未送达、未签收、未阅读、未答复的单位",
    responses=responses(*_SEEING, BadCursor),
)
async def list_missing_units(
    notice_id: UUID,
    actor: Member,
    coverage: CoverageService,
    paging: Paging,
    part: PartQuery,
    lack: Annotated[
        Lack,
        Query(
            description=(
                "not_signed 未签收（含未送达）；not_delivered 未送达；not_read 已送达而无人阅读；"
                "not_answered 未答复（含未送达）；overdue 逾期未签收"
            )
        ),
    ] = Lack.SIGNATURE,
) -> MissingPage:
    """按上级单位、隶属路径排序。未送达的，附未转发的上级单位。"""
    return MissingPage.of_list(await coverage.missing(actor, notice_id, part, lack, paging))


@router.get(
    "/{notice_id}/coverage/history",
    summary="送达、签收和阅读的进程",
    responses=responses(*_SEEING),
)
async def get_coverage_history(
    notice_id: UUID,
    actor: Member,
    coverage: CoverageService,
    part: PartQuery,
    by: Annotated[Step, Query(description="按小时（hour）或按天（day，北京时间）")] = Step.DAY,
) -> CoverageHistoryOut:
    """自发布起每小时或每天结束时的累计数，最后一个是现在。已过去的小时在其结束后几分钟内汇总。"""
    return CoverageHistoryOut.of(await coverage.history(actor, notice_id, part, by))


@router.get(
    "/{notice_id}/coverage/changes",
    summary="发布后隶属或状态有变化的单位",
    responses=responses(*_SEEING, BadCursor),
)
async def list_coverage_changes(
    notice_id: UUID,
    actor: Member,
    coverage: CoverageService,
    paging: Paging,
    part: PartQuery,
) -> ChangesPage:
    """覆盖情况为何与现在的单位树不同：发布后设立、划转、并入、撤销的单位，各在何时由何处变到何处，是否计入、计在何处。

    包括现在在此范围内的，和发布时或其后曾在此范围内的；最近变化的在前。
    """
    return ChangesPage.of_list(*await coverage.changes(actor, notice_id, part, paging))


@router.post(
    "/{notice_id}/coverage/exports",
    status_code=202,
    summary="导出覆盖情况",
    responses=responses(*_SEEING, TooManyExports),
)
async def export_coverage(
    notice_id: UUID,
    actor: Member,
    coverage: CoverageService,
    response: Response,
    part: PartQuery,
) -> ExportOut:
    """在后台生成 Excel 工作簿：各下级的情况，未转发、未签收和发布后有变化的单位。进度和下载见导出。"""
    view = await coverage.export(actor, notice_id, part)
    response.headers["Location"] = f"/api/v1/exports/{view.export.id}"
    return ExportOut.of_view(view)
