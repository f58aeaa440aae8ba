"""The API of the life cycle of notices: review, issue, withdrawal, archive."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from authkit.errors import PermissionRequired
from authkit.idempotency import Idempotent
from contracts.documents import Urgency
from office.addressing.errors import NothingBelow, RecipientsOutOfReach
from office.directory.errors import REFUSALS
from office.issuing.dependencies import IssuingService
from office.issuing.schemas import (
    DeadlinePreviewOut,
    IssuedOut,
    IssueIn,
    OpinionIn,
    ReturnDraftIn,
    WithdrawIn,
)
from office.notices import errors, rules
from office.notices.auth import Decider, Drafter, Issuer, Officer, Reviewer
from office.notices.schemas import OwnNoticeOut
from office.numbering.errors import NoSeries, NumbersExhausted, UnknownPrefix
from servicekit.etags import IfMatch, VersionChanged, etag
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.instants import Instant
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])

_IN_ROLE = (*REFUSALS, PermissionRequired, NotFound)
_COMPLETE = (errors.DraftIncomplete, NothingBelow, RecipientsOutOfReach)


@router.get(
    "/deadline-preview",
    summary="预览办理期限",
    responses=responses(*REFUSALS, PermissionRequired, errors.BadPublishingTime, errors.WorkdaysNotPublished),
)
async def preview_deadline(
    _: Officer,
    issuing: IssuingService,
    urgency: Annotated[Urgency, Query(description="紧急程度", examples=["normal"])] = Urgency.NORMAL,
    workdays: Annotated[
        int | None,
        Query(ge=1, le=rules.MAX_WORKDAYS, description="工作日数；不填按紧急程度", examples=[5]),
    ] = None,
    publish_at: Annotated[
        Instant | None, Query(description="定时发布的时间，90 天以内；不填为现在", examples=[None])
    ] = None,
) -> DeadlinePreviewOut:
    """按已公布的节假日和调休计算，不写入任何内容；实际期限在发布时确定。"""
    return DeadlinePreviewOut(deadline=issuing.due(urgency, workdays, publish_at))


@router.post(
    "/{notice_id}/submit",
    summary="送审",
    responses=responses(*_IN_ROLE, errors.NotDraft, *_COMPLETE, errors.NoReviewer, VersionChanged),
)
async def submit_notice(
    notice_id: UUID, actor: Drafter, issuing: IssuingService, seen: IfMatch
) -> OwnNoticeOut:
    """送本单位其他审核人审核；没有其他审核人的单位，由签发人直接签发。"""
    return OwnNoticeOut.of_own(await issuing.submit(actor, notice_id, seen))


@router.post(
    "/{notice_id}/recall",
    summary="收回送审的通知",
    responses=responses(*_IN_ROLE, errors.NotReviewing),
)
async def recall_notice(notice_id: UUID, actor: Drafter, issuing: IssuingService) -> OwnNoticeOut:
    """审核结束之前可以收回，重新成为草稿。"""
    return OwnNoticeOut.of_own(await issuing.recall(actor, notice_id))


@router.post(
    "/{notice_id}/approve",
    summary="审核通过",
    responses=responses(
        *_IN_ROLE,
        errors.NotReviewing,
        errors.OwnDraft,
        errors.ClassifiedDocumentRefused,
        VersionChanged,
    ),
)
async def approve_notice(
    notice_id: UUID,
    actor: Reviewer,
    issuing: IssuingService,
    seen: IfMatch,
    body: OpinionIn | None = None,
) -> OwnNoticeOut:
    """审核人审核；起草或修改过的人不能审核。通过之后等待签发。"""
    opinion = None if body is None else body.opinion
    return OwnNoticeOut.of_own(await issuing.approve(actor, notice_id, opinion, seen))


@router.post(
    "/{notice_id}/return",
    summary="退回修改",
    responses=responses(*_IN_ROLE, errors.NotReturnable, errors.ClassifiedDocumentRefused),
)
async def return_notice(
    notice_id: UUID, actor: Decider, body: ReturnDraftIn, issuing: IssuingService
) -> OwnNoticeOut:
    """审核人、签发人可以退回审核中的，签发人可以退回待签发的；须写明原因。"""
    return OwnNoticeOut.of_own(await issuing.send_back(actor, notice_id, body.reason))


@router.post(
    "/{notice_id}/publish",
    summary="签发通知",
    response_model=IssuedOut,
    responses=responses(
        *_IN_ROLE,
        errors.AlreadyIssued,
        errors.ReviewRequired,
        *_COMPLETE,
        errors.BadDeadline,
        errors.WorkdaysNotPublished,
        errors.BadPublishingTime,
        errors.NotReplaceable,
        NoSeries,
        UnknownPrefix,
        NumbersExhausted,
        VersionChanged,
        IdempotencyKeyReused,
    ),
)
async def publish_notice(
    notice_id: UUID,
    actor: Issuer,
    issuing: IssuingService,
    idempotency: Idempotent,
    seen: IfMatch,
    body: IssueIn | None = None,
) -> JSONResponse:
    """只有签发人可以签发；编排文号，并按主送范围发布。

    可以定时发布；已签发、待发布的，再次调用即立即发布。带 If-Match 时，通知在所见版本之后被修改则不签发。
    """
    issued = await issuing.issue(actor, notice_id, None if body is None else body.publish_at, seen)
    headers = {"ETag": etag(issued.own.notice.version)}
    return await idempotency.keep(IssuedOut.of_issued(issued), 200, headers)


@router.post(
    "/{notice_id}/withdraw",
    summary="撤回通知",
    responses=responses(*_IN_ROLE, *errors.NOT_CIRCULATING, errors.ClassifiedDocumentRefused),
)
async def withdraw_notice(
    notice_id: UUID, actor: Issuer, body: WithdrawIn, issuing: IssuingService
) -> OwnNoticeOut:
    """发文单位的签发人可以撤回，须写明原因；撤回后收文单位只能看到撤回状态和原因，文号不再使用。"""
    return OwnNoticeOut.of_own(await issuing.withdraw(actor, notice_id, body.reason))


@router.post(
    "/{notice_id}/archive",
    summary="归档",
    responses=responses(*_IN_ROLE, *errors.NOT_CIRCULATING),
)
async def archive_notice(notice_id: UUID, actor: Issuer, issuing: IssuingService) -> OwnNoticeOut:
    """归档后只能查看，不能再签收、转发或撤回。发布满一年的通知自动归档。"""
    return OwnNoticeOut.of_own(await issuing.archive(actor, notice_id))
