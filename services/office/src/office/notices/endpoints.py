"""The API of notices: drafting, publishing and withdrawing."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from authkit.errors import RoleRequired
from authkit.idempotency import Idempotent
from contracts.vocabulary import NoticeStatus
from office.addressing.errors import NothingBelow, RecipientsOutOfReach
from office.directory.errors import REFUSALS
from office.notices import errors
from office.notices.auth import Drafter, Issuer
from office.notices.dependencies import NoticeService
from office.notices.schemas import (
    DraftIn,
    DraftOut,
    NoticeSummary,
    PublishedOut,
)
from servicekit.etags import IfMatch, PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.paging import Page, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])

_IN_ROLE = (*REFUSALS, RoleRequired)
_WRITING = (
    errors.ClassifiedDocumentRefused,
    errors.BadDeadline,
    errors.DocumentNumberTaken,
    NothingBelow,
    RecipientsOutOfReach,
)


@router.post(
    "",
    summary="起草通知",
    status_code=201,
    response_model=DraftOut,
    responses=responses(*_IN_ROLE, *_WRITING, IdempotencyKeyReused),
)
async def draft(
    actor: Drafter, body: DraftIn, notices: NoticeService, idempotency: Idempotent
) -> JSONResponse:
    """经办人、签发人、单位管理员可以起草；本单位须有下级单位。"""
    notice = await notices.draft(actor, body.content(), body.secrecy)
    return await idempotency.keep(DraftOut.of(notice), headers={"ETag": etag(notice.version)})


@router.get(
    "/outbox",
    summary="本单位起草和发布的通知",
    responses=responses(*_IN_ROLE),
)
async def outbox(
    actor: Drafter,
    notices: NoticeService,
    paging: Paging,
    status: Annotated[NoticeStatus | None, Query(description="只列该状态的")] = None,
) -> Page[NoticeSummary]:
    """按起草时间从新到旧，包括草稿和已撤回的。"""
    own = await notices.list_own(actor, paging, status=status)
    return Page(items=[NoticeSummary.model_validate(notice) for notice in own.items], next=own.next)


@router.put(
    "/{notice_id}",
    summary="修改草稿",
    responses=responses(
        *_IN_ROLE,
        *_WRITING,
        NotFound,
        errors.NotDraft,
        VersionChanged,
        PreconditionRequired,
    ),
)
async def edit(
    notice_id: UUID,
    actor: Drafter,
    body: DraftIn,
    notices: NoticeService,
    response: Response,
    seen: RequiredIfMatch,
) -> DraftOut:
    """整篇替换；If-Match 必填。"""
    notice = await notices.edit(actor, notice_id, body.content(), body.secrecy, seen)
    response.headers["ETag"] = etag(notice.version)
    return DraftOut.of(notice)


@router.post(
    "/{notice_id}/publish",
    summary="签发通知",
    response_model=PublishedOut,
    responses=responses(
        *_IN_ROLE,
        NotFound,
        errors.NotDraft,
        NothingBelow,
        RecipientsOutOfReach,
        errors.BadDeadline,
        errors.WorkdaysNotPublished,
        VersionChanged,
        IdempotencyKeyReused,
    ),
)
async def publish(
    notice_id: UUID,
    actor: Issuer,
    notices: NoticeService,
    idempotency: Idempotent,
    seen: IfMatch,
) -> JSONResponse:
    """只有签发人可以签发；按主送范围送达，默认送直接下级单位。带 If-Match 时，只签发所见的版本。"""
    published = await notices.publish(actor, notice_id, seen)
    headers = {"ETag": etag(published.notice.version)}
    return await idempotency.keep(PublishedOut.of_publication(published), 200, headers)


@router.post(
    "/{notice_id}/withdraw",
    summary="撤回通知",
    responses=responses(*_IN_ROLE, *errors.NOT_CIRCULATING),
)
async def withdraw(notice_id: UUID, actor: Issuer, notices: NoticeService) -> DraftOut:
    """发文单位的签发人可以撤回；撤回后收文单位只能看到撤回状态。"""
    return DraftOut.of(await notices.withdraw(actor, notice_id))
