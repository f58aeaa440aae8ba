"""The API of returns."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from authkit.errors import PermissionRequired
from authkit.idempotency import Idempotent
from contracts.documents import ReturnStatus
from office.actors import Member
from office.directory.errors import REFUSALS
from office.notices.auth import Clerk
from office.notices.errors import NOT_CIRCULATING
from office.returns.dependencies import ReturnService
from office.returns.errors import NoReceiptNeeded, OwnNotice, PassedOn, ReturnDecided
from office.returns.schemas import DecisionIn, ReturnIn, ReturnLineOut, ReturnOut
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.paging import BadCursor, CountedPage, Paging
from servicekit.problems import responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])

_DECIDING = responses(*REFUSALS, PermissionRequired, *NOT_CIRCULATING, ReturnDecided)


@router.get(
    "/returns",
    summary="退回给本单位的通知",
    responses=responses(*REFUSALS, BadCursor),
)
async def list_returns(
    actor: Member,
    returns: ReturnService,
    paging: Paging,
    status: Annotated[ReturnStatus | None, Query(description="只列该状态的")] = None,
    notice_id: Annotated[UUID | None, Query(description="只列该通知的")] = None,
) -> CountedPage[ReturnLineOut]:
    """下级单位退回本单位所发通知的记录，按退回时间从新到旧。"""
    found, names = await returns.list(actor, paging, status=status, notice_id=notice_id)
    return found.page(lambda line: ReturnLineOut.of_line(line, names))


@router.post(
    "/{notice_id}/returns",
    summary="退回通知",
    status_code=201,
    response_model=ReturnOut,
    responses={
        **responses(
            *REFUSALS,
            PermissionRequired,
            *NOT_CIRCULATING,
            OwnNotice,
            NoReceiptNeeded,
            PassedOn,
            IdempotencyKeyReused,
        ),
        200: {"model": ReturnOut, "description": "此前已退回，返回该次退回"},
    },
)
async def return_received(
    notice_id: UUID, actor: Clerk, body: ReturnIn, returns: ReturnService, idempotency: Idempotent
) -> JSONResponse:
    """退回给来文单位并说明原因。已向下级转发的不能退回；退回后不能签收和转发，除非撤销退回或来文单位重新发送。"""
    line, new = await returns.give_back(actor, notice_id, body.reason)
    answer = ReturnOut.of(line.given_back, line.unit, await returns.names([line]))
    return await idempotency.keep(answer, 201 if new else 200, {"Location": f"/api/v1/notices/{notice_id}"})


@router.post("/{notice_id}/returns/cancel", summary="撤销退回", responses=_DECIDING)
async def cancel_return(notice_id: UUID, actor: Clerk, returns: ReturnService) -> ReturnOut:
    """来文单位处理之前，退回单位可以撤销退回。"""
    line = await returns.cancel(actor, notice_id)
    return ReturnOut.of(line.given_back, line.unit, await returns.names([line]))


@router.post("/{notice_id}/returns/{unit_id}/confirm", summary="确认退回", responses=_DECIDING)
async def confirm_return(
    notice_id: UUID, unit_id: UUID, actor: Clerk, body: DecisionIn, returns: ReturnService
) -> ReturnLineOut:
    """来文单位确认后，该单位计为已退回，不再要求签收。"""
    line = await returns.decide(actor, notice_id, unit_id, confirm=True, note=body.note)
    return ReturnLineOut.of_line(line, await returns.names([line]))


@router.post("/{notice_id}/returns/{unit_id}/resend", summary="重新发送", responses=_DECIDING)
async def resend_returned(
    notice_id: UUID, unit_id: UUID, actor: Clerk, body: DecisionIn, returns: ReturnService
) -> ReturnLineOut:
    """来文单位要求该单位继续办理；已确认的退回也可以重新发送。期限不变。"""
    line = await returns.decide(actor, notice_id, unit_id, confirm=False, note=body.note)
    return ReturnLineOut.of_line(line, await returns.names([line]))
