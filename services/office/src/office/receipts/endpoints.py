"""The API of receipts: inbox, 签收, 代签 and 已读."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from authkit.errors import OutOfReach, PermissionRequired
from authkit.idempotency import IdempotentOnLane
from contracts.documents import NoticeKind, Urgency
from contracts.vocabulary import NoticeStatus
from office.actors import Member
from office.directory.errors import REFUSALS
from office.notices.auth import Clerk
from office.notices.errors import NOT_CIRCULATING
from office.receipts.dependencies import InboxService, ReceiptService, ReceivingService
from office.receipts.errors import NotDelivered
from office.receipts.inbox_repository import InboxFilter
from office.receipts.rules import InboxSort
from office.receipts.schemas import (
    InboxCountsOut,
    NoticeOut,
    ReadOut,
    ReceivedOut,
    SignatureOut,
    SignForIn,
    Tombstone,
)
from office.returns.errors import NoReceiptNeeded, NoticeReturned, OwnNotice
from servicekit.etags import etag
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.outages import DatabaseBusy
from servicekit.paging import BadCursor, CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])


@router.get(
    "/inbox",
    summary="本单位收到的通知",
    response_model=CountedPage[ReceivedOut],
    responses=responses(*REFUSALS, BadCursor, DatabaseBusy),
)
async def list_inbox(
    actor: Member,
    inboxes: InboxService,
    paging: Paging,
    status: Annotated[NoticeStatus | None, Query(description="只列该状态的；默认列出已归档之外的")] = None,
    kind: Annotated[NoticeKind | None, Query(description="只列该文种的")] = None,
    signed: Annotated[
        bool | None, Query(description="true 只列已签收的；false 只列应签收而未签收的，不含公告和已退回的")
    ] = None,
    read: Annotated[bool | None, Query(description="只列本人已读（true）或未读（false）的")] = None,
    overdue: Annotated[bool | None, Query(description="只列逾期未签收的（true），或其余的（false）")] = None,
    answered: Annotated[
        bool | None, Query(description="true 只列已答复的；false 只列要求答复而未提交的")
    ] = None,
    urgency: Annotated[Urgency | None, Query(description="只列该紧急程度的")] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=2,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="标题、发文字号或发文单位名称中的文字，至少两个字",
            examples=["培训"],
        ),
    ] = None,
    sort: Annotated[
        InboxSort, Query(description="delivered 按送达时间从新到旧；deadline 按办理截止时间从早到晚")
    ] = InboxSort.DELIVERED,
) -> Response:
    """本单位收到的通知。已撤回的只显示标题和撤回时间。"""
    wanted = InboxFilter(status, kind, signed, read, overdue, answered, urgency, q)
    found = await inboxes.list(actor, paging, wanted, sort)
    items = [ReceivedOut.of(line, found.now) for line in found.page.items]
    page = CountedPage[ReceivedOut](items=items, next=found.page.next, total=found.total)
    # The lines have been validated once.
    return Response(page.model_dump_json(), media_type="application/json")


@router.get(
    "/inbox/counts",
    summary="收到的通知中未办的数量",
    responses=responses(*REFUSALS, DatabaseBusy),
)
async def count_inbox(actor: Member, inboxes: InboxService) -> InboxCountsOut:
    """本人未读、本单位未签收、逾期未签收和未答复的已发布通知数。"""
    return InboxCountsOut.of(await inboxes.counts(actor))


@router.get(
    "/{notice_id}",
    summary="查看通知",
    response_model=NoticeOut | Tombstone,
    responses=responses(*REFUSALS, NotFound),
)
async def get_notice(
    notice_id: UUID, actor: Member, receipts: ReceiptService, response: Response
) -> NoticeOut | Tombstone:
    """查看不等于已读：打开通知的页面应调用“标记已读”。已撤回的，收文单位只能看到撤回状态。"""
    view = await receipts.view(actor, notice_id)
    if view.notice.status is NoticeStatus.WITHDRAWN and view.delivery is not None:
        return Tombstone.of(view.notice)
    response.headers["ETag"] = etag(view.notice.version)
    return NoticeOut.of_view(view)


@router.post(
    "/{notice_id}/sign",
    summary="签收通知",
    status_code=201,
    response_model=SignatureOut,
    responses={
        **responses(
            *REFUSALS,
            PermissionRequired,
            *NOT_CIRCULATING,
            OwnNotice,
            NoReceiptNeeded,
            NoticeReturned,
            IdempotencyKeyReused,
            DatabaseBusy,
        ),
        200: {"model": SignatureOut, "description": "此前已签收，返回首次签收"},
    },
)
async def sign_notice(
    notice_id: UUID, actor: Clerk, receiving: ReceivingService, idempotency: IdempotentOnLane
) -> JSONResponse:
    """代表本单位签收。重复签收返回首次签收的事实。截止时间的那一秒内签收仍为按期。"""
    signature, new = await receiving.sign(actor, notice_id)
    return await idempotency.keep(
        SignatureOut.of(signature), 201 if new else 200, {"Location": f"/api/v1/notices/{notice_id}"}
    )


@router.post(
    "/{notice_id}/units/{unit_id}/sign",
    summary="代下级单位签收",
    status_code=201,
    response_model=SignatureOut,
    responses={
        **responses(
            *REFUSALS,
            PermissionRequired,
            OutOfReach,
            *NOT_CIRCULATING,
            NotDelivered,
            NoReceiptNeeded,
            NoticeReturned,
            IdempotencyKeyReused,
            DatabaseBusy,
        ),
        200: {"model": SignatureOut, "description": "该单位此前已签收，返回首次签收"},
    },
)
async def sign_for_unit(
    notice_id: UUID,
    unit_id: UUID,
    actor: Clerk,
    body: SignForIn,
    receiving: ReceivingService,
    idempotency: IdempotentOnLane,
) -> JSONResponse:
    """下级单位无法自行签收时，由上级单位说明原因后代签。各处均显示为代签。"""
    signature, new = await receiving.sign_for(actor, notice_id, unit_id, body.reason)
    return await idempotency.keep(
        SignatureOut.of(signature), 201 if new else 200, {"Location": f"/api/v1/notices/{notice_id}"}
    )


@router.post(
    "/{notice_id}/read",
    summary="标记已读",
    responses=responses(*REFUSALS, *NOT_CIRCULATING, DatabaseBusy),
)
async def read_notice(notice_id: UUID, actor: Member, receiving: ReceivingService) -> ReadOut:
    """记录本人已读；重复标记返回首次时间。不等于单位签收。"""
    return ReadOut(notice_id=notice_id, read_at=await receiving.read(actor, notice_id))
