"""The API of collected answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.errors import OutOfReach, PermissionRequired
from office.collected.dependencies import CollectionService
from office.collected.errors import NoFilesCollected, TooManyFilesCollected
from office.collected.repository import Which
from office.collected.schemas import CollectedOut, SummaryOut
from office.directory.errors import REFUSALS
from office.exports.errors import TooManyExports
from office.exports.schemas import ExportOut
from office.forms.errors import NoForm
from office.groups.dependencies import PartQuery
from office.notices.auth import Officer
from servicekit.paging import BadCursor, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices/{notice_id}/answers", tags=["通知答复"])

_SEEING = (*REFUSALS, PermissionRequired, OutOfReach, NotFound, NoForm)


@router.get("", summary="答复汇总表", responses=responses(*_SEEING, BadCursor))
async def list_answers(
    notice_id: UUID,
    actor: Officer,
    collection: CollectionService,
    paging: Paging,
    part: PartQuery,
    which: Annotated[
        Which,
        Query(
            description=(
                "answered 已提交的；late 逾期提交的；reopened 退回修改中的；draft 填写中的；"
                "missing 已收到通知而未提交的"
            )
        ),
    ] = Which.ANSWERED,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="单位名称、简称中的文字，或单位代码的开头",
            examples=["历下"],
        ),
    ] = None,
) -> CollectedOut:
    """一行一个单位，按隶属路径排序。转发单位只能看到本单位及其下级的答复；单位在收到通知时所在的范围内汇总。"""
    return CollectedOut.of(await collection.table(actor, notice_id, paging, part, which=which, words=q))


@router.get("/summary", summary="答复合计", responses=responses(*_SEEING))
async def summarize_answers(
    notice_id: UUID, actor: Officer, collection: CollectionService, part: PartQuery
) -> SummaryOut:
    """提交情况，数字字段的合计，单选、多选字段各选项的个数。"""
    return SummaryOut.of(await collection.summary(actor, notice_id, part))


@router.post(
    "/export",
    summary="导出答复汇总",
    status_code=202,
    responses=responses(*_SEEING, TooManyExports),
)
async def export_answers(
    notice_id: UUID,
    actor: Officer,
    collection: CollectionService,
    response: Response,
    part: PartQuery,
) -> ExportOut:
    """在后台生成 Excel：答复汇总、各表格字段的明细和未答复的单位。进度和文件见“导出”。"""
    view = await collection.export(actor, notice_id, part)
    response.headers["Location"] = f"/api/v1/exports/{view.export.id}"
    return ExportOut.of_view(view)


@router.post(
    "/export-files",
    summary="打包下载答复附件",
    status_code=202,
    responses=responses(*_SEEING, TooManyExports, NoFilesCollected, TooManyFilesCollected),
)
async def export_answer_files(
    notice_id: UUID,
    actor: Officer,
    collection: CollectionService,
    response: Response,
    part: PartQuery,
) -> ExportOut:
    """在后台把已提交的附件打包为 ZIP，一个单位一个文件夹，最多 10000 个文件、1 GiB，下载留痕。

    进度和文件见“导出”。
    """
    view = await collection.export_files(actor, notice_id, part)
    response.headers["Location"] = f"/api/v1/exports/{view.export.id}"
    return ExportOut.of_view(view)
