"""The API of notices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse

from authkit.errors import RoleRequired
from office.actors import REFUSALS, Now
from office.directory.errors import UnitInactive, UnitNotReplicated
from office.notices import errors, service
from office.notices.auth import Clerk, Drafter, Issuer, Member
from office.notices.rules import Status
from office.notices.schemas import (
    DraftIn,
    DraftOut,
    ForwardedOut,
    ForwardIn,
    NoticeOut,
    NoticeSummary,
    PublishedOut,
    ReadOut,
    ReceivedOut,
    SignatureOut,
    Tombstone,
)
from servicekit.db import Session
from servicekit.idempotency import IdempotencyKeyReused, Idempotent
from servicekit.paging import BadCursor, Page, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])

_ANYBODY = (*REFUSALS, UnitInactive, UnitNotReplicated)
_IN_ROLE = (*_ANYBODY, RoleRequired)
_WRITING = (errors.ClassifiedDocumentRefused, errors.BadDeadline, errors.DocumentNumberTaken)
_CIRCULATING = (NotFound, errors.NotPublished, errors.NoticeWithdrawn)

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=200, description="所见版本的 ETag")]


def _tags(if_match: str) -> frozenset[str]:
    return frozenset(tag.strip() for tag in if_match.split(","))


@router.post(
    "",
    summary="起草通知",
    status_code=201,
    response_model=DraftOut,
    responses=responses(*_IN_ROLE, *_WRITING, errors.NothingBelow, IdempotencyKeyReused),
)
async def draft(
    actor: Drafter, body: DraftIn, session: Session, now: Now, idempotency: Idempotent
) -> JSONResponse:
    """经办人、签发人、单位管理员可以起草；本单位须有下级单位。"""
    notice = await service.draft(session, actor, body.content(), body.secrecy, now)
    response = await idempotency.keep(DraftOut.of(notice))
    response.headers["ETag"] = notice.etag
    return response


@router.get(
    "/inbox",
    summary="本单位收到的通知",
    responses=responses(*_ANYBODY, BadCursor),
)
async def inbox(
    actor: Member,
    session: Session,
    paging: Paging,
    signed: Annotated[bool | None, Query(description="只列已签收（true）或未签收（false）的")] = None,
) -> Page[ReceivedOut]:
    """按送达时间从新到旧；已撤回的不列出。"""
    rows = await service.list_inbox(session, actor, paging, signed=signed)
    return Page(items=[ReceivedOut.of(row) for row in rows.items], next=rows.next)


@router.get(
    "/outbox",
    summary="本单位起草和发布的通知",
    responses=responses(*_IN_ROLE, BadCursor),
)
async def outbox(
    actor: Drafter,
    session: Session,
    paging: Paging,
    status: Annotated[Status | None, Query(description="只列该状态的")] = None,
) -> Page[NoticeSummary]:
    """按起草时间从新到旧，包括草稿和已撤回的。"""
    notices = await service.list_outbox(session, actor, paging, status=status)
    return Page(items=[NoticeSummary.model_validate(notice) for notice in notices.items], next=notices.next)


@router.get(
    "/{notice_id}",
    summary="查看通知",
    response_model=NoticeOut | Tombstone,
    responses=responses(*_ANYBODY, NotFound),
)
async def get_notice(
    notice_id: UUID, actor: Member, session: Session, now: Now, response: Response
) -> NoticeOut | Tombstone:
    """收文单位的人员首次查看即记为本人已读；不等于单位签收。已撤回的，收文单位只能看到撤回状态。"""
    view = await service.view(session, actor, notice_id, now)
    if view.notice.status == "withdrawn" and view.delivery is not None:
        return Tombstone(id=view.notice.id)
    response.headers["ETag"] = view.notice.etag
    return NoticeOut.of_view(view)


@router.put(
    "/{notice_id}",
    summary="修改草稿",
    responses=responses(
        *_IN_ROLE,
        *_WRITING,
        NotFound,
        errors.NotDraft,
        errors.VersionChanged,
        errors.PreconditionRequired,
    ),
)
async def edit(
    notice_id: UUID,
    actor: Drafter,
    body: DraftIn,
    session: Session,
    now: Now,
    response: Response,
    if_match: IfMatch = None,
) -> DraftOut:
    """整篇替换；If-Match 必填。"""
    if if_match is None:
        raise errors.PreconditionRequired
    notice = await service.edit(session, actor, notice_id, body.content(), body.secrecy, _tags(if_match), now)
    response.headers["ETag"] = notice.etag
    return DraftOut.of(notice)


@router.post(
    "/{notice_id}/publish",
    summary="签发通知",
    response_model=PublishedOut,
    responses=responses(
        *_IN_ROLE,
        NotFound,
        errors.NotDraft,
        errors.NothingBelow,
        errors.BadDeadline,
        errors.WorkdaysNotPublished,
        errors.VersionChanged,
        IdempotencyKeyReused,
    ),
)
async def publish(
    notice_id: UUID,
    actor: Issuer,
    session: Session,
    now: Now,
    idempotency: Idempotent,
    if_match: IfMatch = None,
) -> JSONResponse:
    """只有签发人可以签发；送达直接下级单位。带 If-Match 时，草稿在所见版本之后被修改则不签发。"""
    seen = None if if_match is None else _tags(if_match)
    delivered = await service.publish(session, actor, notice_id, seen, now)
    response = await idempotency.keep(PublishedOut.of_delivered(delivered), 200)
    response.headers["ETag"] = delivered.notice.etag
    return response


@router.post(
    "/{notice_id}/withdraw",
    summary="撤回通知",
    responses=responses(*_IN_ROLE, *_CIRCULATING),
)
async def withdraw(notice_id: UUID, actor: Issuer, session: Session, now: Now) -> DraftOut:
    """发文单位的签发人可以撤回；撤回后收文单位只能看到撤回状态。"""
    return DraftOut.of(await service.withdraw(session, actor, notice_id, now))


@router.post(
    "/{notice_id}/forward",
    summary="转发通知",
    status_code=201,
    response_model=ForwardedOut,
    responses=responses(
        *_IN_ROLE,
        *_CIRCULATING,
        errors.AlreadyForwarded,
        errors.NothingBelow,
        errors.DeadlineAfterParents,
        errors.BadDeadline,
        errors.ClassifiedDocumentRefused,
        IdempotencyKeyReused,
    ),
)
async def forward(
    notice_id: UUID, actor: Clerk, body: ForwardIn, session: Session, now: Now, idempotency: Idempotent
) -> JSONResponse:
    """转发给直接下级单位，每个单位只转发一次。"""
    delivered = await service.forward(session, actor, notice_id, body.cover_text, body.deadline, now)
    return await idempotency.keep(ForwardedOut.of_delivered(delivered))


@router.post(
    "/{notice_id}/sign",
    summary="签收通知",
    status_code=201,
    response_model=SignatureOut,
    responses={
        **responses(*_IN_ROLE, *_CIRCULATING, errors.OwnNotice, IdempotencyKeyReused),
        200: {"model": SignatureOut, "description": "此前已签收，返回首次签收"},
    },
)
async def sign(
    notice_id: UUID, actor: Clerk, session: Session, now: Now, idempotency: Idempotent
) -> JSONResponse:
    """代表本单位签收。重复签收返回首次签收的事实。"""
    signature, new = await service.sign(session, actor, notice_id, now)
    return await idempotency.keep(SignatureOut.of(signature), 201 if new else 200)


@router.post(
    "/{notice_id}/read",
    summary="标记已读",
    responses=responses(*_ANYBODY, *_CIRCULATING),
)
async def read(notice_id: UUID, actor: Member, session: Session, now: Now) -> ReadOut:
    """记录本人已读；重复标记返回首次时间。不等于单位签收。"""
    return ReadOut(notice_id=notice_id, read_at=await service.read(session, actor, notice_id, now))
