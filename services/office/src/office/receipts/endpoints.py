"""The API of receipts: inbox, 签收 and 已读."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from authkit.errors import RoleRequired
from authkit.idempotency import Idempotent
from contracts.vocabulary import NoticeStatus
from office.actors import Member
from office.directory.errors import REFUSALS
from office.notices.auth import Clerk
from office.notices.errors import NOT_CIRCULATING
from office.receipts.dependencies import ReceiptService
from office.receipts.errors import OwnNotice
from office.receipts.schemas import NoticeOut, ReadOut, ReceivedOut, SignatureOut, Tombstone
from servicekit.etags import etag
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.paging import Page, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])


@router.get(
    "/inbox",
    summary="本单位收到的通知",
    responses=responses(*REFUSALS),
)
async def inbox(
    actor: Member,
    receipts: ReceiptService,
    paging: Paging,
    signed: Annotated[bool | None, Query(description="只列已签收（true）或未签收（false）的")] = None,
) -> Page[ReceivedOut]:
    """按送达时间从新到旧；已撤回的不列出。"""
    lines = await receipts.inbox(actor, paging, signed=signed)
    return Page(items=[ReceivedOut.of(line) for line in lines.items], next=lines.next)


@router.get(
    "/{notice_id}",
    summary="查看通知",
    response_model=NoticeOut | Tombstone,
    responses=responses(*REFUSALS, NotFound),
)
async def get_notice(
    notice_id: UUID, actor: Member, receipts: ReceiptService, response: Response
) -> NoticeOut | Tombstone:
    """收文单位的人员首次查看即记为本人已读；不等于单位签收。已撤回的，收文单位只能看到撤回状态。"""
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
        **responses(*REFUSALS, RoleRequired, *NOT_CIRCULATING, OwnNotice, IdempotencyKeyReused),
        200: {"model": SignatureOut, "description": "此前已签收，返回首次签收"},
    },
)
async def sign(
    notice_id: UUID, actor: Clerk, receipts: ReceiptService, idempotency: Idempotent
) -> JSONResponse:
    """代表本单位签收。重复签收返回首次签收的事实。"""
    signature, new = await receipts.sign(actor, notice_id)
    return await idempotency.keep(SignatureOut.of(signature), 201 if new else 200)


@router.post(
    "/{notice_id}/read",
    summary="标记已读",
    responses=responses(*REFUSALS, *NOT_CIRCULATING),
)
async def read(notice_id: UUID, actor: Member, receipts: ReceiptService) -> ReadOut:
    """记录本人已读；重复标记返回首次时间。不等于单位签收。"""
    return ReadOut(notice_id=notice_id, read_at=await receipts.read(actor, notice_id))
