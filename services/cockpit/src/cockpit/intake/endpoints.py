"""The API of intake."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from authkit.errors import PermissionRequired
from cockpit.access.auth import REFUSALS, BatchReader, Contributor
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.feeds.declarations import FeedName
from cockpit.intake import errors
from cockpit.intake.answers import (
    BATCH_ERRORS,
    BODY,
    FILE_ERRORS,
    Feed,
    Key,
    Mode,
    Resubmits,
    Source,
    UnitOf,
    answered,
    attached,
    detailed,
)
from cockpit.intake.claiming import NewBatch
from cockpit.intake.dependencies import BatchService, ContributionService
from cockpit.intake.files import kind_of
from cockpit.intake.repository import BatchFilter
from cockpit.intake.schemas import BatchDetail, BatchOut, CheckOut
from cockpit.published.schemas import PublishedLine
from contracts.intake import BatchMode, BatchStatus
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1/intake", tags=["数据接入"], responses=problems.responses(*REFUSALS))
_UNIT = (UnitNotReplicated, UnitOutOfReach)
OF_PEOPLE = (PermissionRequired, *_UNIT, UnitNotFound)
"""What those who may contribute are refused with."""

UPLOADS = "/api/v1/intake/batches"
CHECKS = "/api/v1/intake/checks"
"""Below these paths the larger body limit holds."""


@router.post(
    "/batches",
    status_code=201,
    summary="上传一批数据",
    description=(
        "请求体就是文件，Content-Type 说明格式：CSV（`text/csv`，UTF-8 或 GBK、GB18030，"
        "可用 charset 声明，未声明时自动识别）、"
        "Excel（.xlsx）、JSON 行（`application/x-ndjson`）、Parquet，"
        "或装有同一数据源的若干 CSV 文件的 ZIP 压缩包（`application/zip`，各文件列相同、编码一致）；"
        "识别的格式与编码见返回值。"
        "各数据源的列、代码和模板见 `/api/v1/feeds`。"
        "合格的行计入，不合格的行隔离；列不对的文件整个拒绝。"
        "一行数据就是文件中的一行：引号不成对只影响这一行。"
        "所有行都被隔离的批次状态为 `rejected`，不计入；更正后可用同一批次号重新上传。\n\n"
        "重复上传只计一次：同一 `batch_id` 或 `Idempotency-Key`（至少给定一个）是同一批次；"
        "同一文件以另一标识上传，在前一批次计入期间被拒绝。"
        "同一记录（数据源、单位、标识列相同）只计一次，不论在哪个文件、来自哪个来源："
        "与已计入的记录完全相同的行隔离为 `already_counted`，标识相同而内容不同的隔离为 `record_conflict`。"
        "\n\n要更正已计入的记录，以 `mode=correction` 上传更正后的各行；"
        "要删除，以 `mode=deletion` 上传要删除的各行，内容须与计入的一致。"
        "更正和删除都是新的批次，可以撤回，撤回后恢复原值；被更正过的批次，须先撤回更正批次才能撤回。"
        "更正隔离行后再上传的，用 `resubmits` 注明原批次。"
    ),
    response_model=BatchOut,
    openapi_extra=BODY,
    responses={
        200: {"model": BatchOut, "description": "此前已接收的同一批次"},
        **problems.responses(
            *OF_PEOPLE,
            *FILE_ERRORS,
            *BATCH_ERRORS,
        ),
    },
)
async def create_batch(
    request: Request,
    response: Response,
    actor: Contributor,
    contributions: ContributionService,
    feed: Feed,
    source: Source,
    unit: UnitOf = None,
    mode: Mode = BatchMode.NEW,
    resubmits: Resubmits = None,
    batch_id: Annotated[
        UUID | None,
        Query(
            description="批次号，由上传方给定，在单位内唯一，重复上传只生效一次；"
            "batch_id 与 Idempotency-Key 至少给定一个"
        ),
    ] = None,
    key: Key = None,
) -> BatchOut:
    """Receive a file: the request body, in one of `MEDIA_TYPES`.

    Valid rows are loaded, invalid rows go to quarantine; a file with wrong columns is refused.

    Repeated uploads count once: the same `batch_id` or `Idempotency-Key` (one of them is required) identifies
    the same batch, and an identical file under another one is refused while the first counts. A record counts
    once, in whatever files it comes; corrections and deletions are batches of their own.
    """
    kind = kind_of(request.headers.get("content-type"), request.headers.get("content-encoding"))
    new = NewBatch(
        feed=feed,
        unit=unit,
        source=source,
        batch_id=batch_id,
        key=key,
        kind=kind,
        mode=mode,
        parent=resubmits,
    )
    found, ours = await contributions.receive(actor, new, request.stream())
    response.headers["Location"] = f"{UPLOADS}/{found.batch.id}"
    return answered(response, found, ours)


@router.post(
    "/checks",
    summary="试校验一个文件",
    description=(
        "与上传相同地校验整个文件，但不保存任何内容："
        "返回将接收、将隔离的行数、各原因的行数和前 100 条有误的行。"
    ),
    openapi_extra=BODY,
    responses=problems.responses(*OF_PEOPLE, *FILE_ERRORS),
)
async def check_file(
    request: Request,
    actor: Contributor,
    contributions: ContributionService,
    feed: Feed,
    source: Source = "试校验",
    unit: UnitOf = None,
    mode: Mode = BatchMode.NEW,
) -> CheckOut:
    """Judge a file and keep nothing of it (dry run)."""
    kind = kind_of(request.headers.get("content-type"), request.headers.get("content-encoding"))
    new = NewBatch(feed=feed, unit=unit, source=source, batch_id=None, key=None, kind=kind, mode=mode)
    return CheckOut.of(await contributions.check(actor, new, request.stream()))


@router.get(
    "/batches",
    summary="批次列表",
    description="按接收时间从新到旧。",
    responses=problems.responses(*_UNIT, UnitNotFound),
)
async def list_batches(
    actor: BatchReader,
    batches: BatchService,
    paging: Paging,
    unit: Annotated[UUID | None, Query(description="单位，默认为本单位；含其下级")] = None,
    feed: Annotated[FeedName | None, Query(description="数据源")] = None,
    status: Annotated[BatchStatus | None, Query(description="状态")] = None,
    batch_id: Annotated[UUID | None, Query(description="上传方给定的批次号")] = None,
    q: Annotated[str | None, Query(min_length=1, max_length=50, description="来源包含")] = None,
) -> CountedPage[BatchOut]:
    """Return batches, newest first."""
    found = await batches.below(actor, unit, BatchFilter(feed, status, batch_id, q), paging)
    return found.page(lambda row: BatchOut.of(*row))


@router.get(
    "/batches/{batch_id}",
    summary="批次详情",
    description="批次、各原因的隔离行数、它更正了哪些批次，以及其隔离行的补报情况。",
    responses=problems.responses(*_UNIT, errors.BatchNotFound),
)
async def get_batch(batch_id: UUID, actor: BatchReader, batches: BatchService) -> BatchDetail:
    """Return a batch with the number of quarantined rows by reason."""
    return detailed(*await batches.get(actor, batch_id))


@router.get(
    "/batches/{batch_id}/quarantine.csv",
    summary="下载被隔离的行",
    description=(
        "按收到的原样返回，每行带行号和原因；每批最多保存 10000 行，超出的在末行注明；"
        "可以放心用电子表格打开。"
    ),
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/csv": {"example": "行号,原因代码,原因,...\n"}}, "description": "CSV 文件"},
        **problems.responses(*_UNIT, errors.BatchNotFound),
    },
)
async def download_quarantine(batch_id: UUID, actor: BatchReader, batches: BatchService) -> StreamingResponse:
    """Return the rows as received, with line number and reason; safe to open in a spreadsheet."""
    return attached(batch_id, await batches.quarantined(actor, batch_id))


@router.get(
    "/batches/{batch_id}/published",
    summary="公布数据的各行",
    description="一批公布的汇总数据中已接收的每一行，与上传的一致（金额折算为元）；按年度、口径、学段、资金来源排序。",
    responses=problems.responses(*_UNIT, errors.BatchNotFound, errors.NotPublished),
)
async def list_published_lines(
    batch_id: UUID, actor: BatchReader, batches: BatchService, paging: Paging
) -> CountedPage[PublishedLine]:
    """Return every accepted line of a published table, so that whatever was accepted can be read back."""
    return (await batches.published(actor, batch_id, paging)).page(lambda row: PublishedLine.of(*row))


@router.post(
    "/batches/{batch_id}/reverse",
    summary="撤回一批数据",
    description=(
        "撤回后，各项数据不再包含该批次；其明细及撤回记录保留。撤回更正或删除的批次，恢复原来的记录；"
        "记录已被其他批次更正或删除的，须先撤回那些批次。"
    ),
    responses=problems.responses(
        PermissionRequired,
        *_UNIT,
        errors.BatchNotFound,
        errors.BatchNotReversible,
        errors.BatchCorrected,
        errors.ReversalIncomplete,
    ),
)
async def reverse_batch(batch_id: UUID, actor: Contributor, contributions: ContributionService) -> BatchOut:
    """Reverse a batch: figures exclude it from now on; its facts and their reversal are kept."""
    return BatchOut.of(*await contributions.reverse(actor, batch_id))
