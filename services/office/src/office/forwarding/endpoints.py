"""The API of forwardings."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from authkit.errors import PermissionRequired
from authkit.idempotency import Idempotent
from office.addressing.errors import NothingBelow, RecipientsOutOfReach
from office.addressing.schemas import PreviewIn
from office.directory.errors import REFUSALS
from office.dispatches.errors import AlreadyForwarded
from office.forwarding.dependencies import ForwardingService
from office.forwarding.errors import DeadlineAfterParents
from office.forwarding.schemas import ForwardedOut, ForwardIn, ForwardPreviewOut
from office.notices.auth import Clerk
from office.notices.errors import NOT_CIRCULATING, BadDeadline, ClassifiedDocumentRefused
from office.returns.errors import NoticeReturned
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])


@router.post(
    "/{notice_id}/forward/preview",
    summary="预览转发范围",
    responses=responses(*REFUSALS, PermissionRequired, NotFound, RecipientsOutOfReach),
)
async def preview_forwarding(
    notice_id: UUID, actor: Clerk, body: PreviewIn, forwardings: ForwardingService
) -> ForwardPreviewOut:
    """按层级和直接下级分支给出准确的收文单位数，以及其中本单位尚未发送过的；不写入任何内容。"""
    preview, new = await forwardings.preview(actor, notice_id, body.recipients.address())
    return ForwardPreviewOut.of_reached(preview, new)


@router.post(
    "/{notice_id}/forward",
    summary="转发通知",
    status_code=201,
    response_model=ForwardedOut,
    responses=responses(
        *REFUSALS,
        PermissionRequired,
        *NOT_CIRCULATING,
        AlreadyForwarded,
        NothingBelow,
        RecipientsOutOfReach,
        NoticeReturned,
        DeadlineAfterParents,
        BadDeadline,
        ClassifiedDocumentRefused,
        IdempotencyKeyReused,
    ),
)
async def forward_notice(
    notice_id: UUID,
    actor: Clerk,
    body: ForwardIn,
    forwardings: ForwardingService,
    idempotency: Idempotent,
) -> JSONResponse:
    """转发给下级单位，默认为全部直接下级。可以补充转发，但只能发给本单位尚未发送过的单位；发文单位也可以补充发送。"""
    sent = await forwardings.forward(
        actor, notice_id, body.recipients.address(), body.cover_text, body.deadline
    )
    return await idempotency.keep(
        ForwardedOut.of_sent(sent), headers={"Location": f"/api/v1/notices/{notice_id}"}
    )
