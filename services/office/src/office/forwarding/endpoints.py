"""The API of forwardings."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from authkit.errors import RoleRequired
from authkit.idempotency import Idempotent
from office.addressing.errors import NothingBelow, RecipientsOutOfReach
from office.directory.errors import REFUSALS
from office.dispatches.errors import AlreadyForwarded
from office.forwarding.dependencies import ForwardingService
from office.forwarding.errors import DeadlineAfterParents
from office.forwarding.schemas import ForwardedOut, ForwardIn
from office.notices.auth import Clerk
from office.notices.errors import NOT_CIRCULATING, BadDeadline, ClassifiedDocumentRefused
from office.returns.errors import NoticeReturned
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.problems import responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])


@router.post(
    "/{notice_id}/forward",
    summary="转发通知",
    status_code=201,
    response_model=ForwardedOut,
    responses=responses(
        *REFUSALS,
        RoleRequired,
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
async def forward(
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
    return await idempotency.keep(ForwardedOut.of_sent(sent))
