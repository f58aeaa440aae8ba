"""The API of notices: drafts, their revisions, and the outbox."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse

from authkit.errors import PermissionRequired
from authkit.idempotency import Idempotent
from contracts.documents import NoticeKind, Urgency
from contracts.vocabulary import NoticeStatus
from office.addressing.errors import NothingBelow, RecipientsOutOfReach
from office.directory.errors import REFUSALS
from office.notices import errors
from office.notices.auth import Drafter, Officer
from office.notices.dependencies import NoticeService
from office.notices.past_schemas import HistoryOut, RevisionLine, RevisionOut, RevisionsOut
from office.notices.repository import OutboxFilter, OutboxOrder
from office.notices.schemas import (
    DraftIn,
    OutboxCountsOut,
    OutboxLine,
    OwnNoticeDetail,
    OwnNoticeOut,
    RevisionNumber,
)
from servicekit.clock import SHANGHAI
from servicekit.etags import IfMatch, VersionChanged, etag
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.paging import CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])

_IN_ROLE = (*REFUSALS, PermissionRequired)


async def _filter(
    status: Annotated[list[NoticeStatus] | None, Query(description="只列这些状态的")] = None,
    kind: Annotated[list[NoticeKind] | None, Query(description="只列这些文种的")] = None,
    urgency: Annotated[Urgency | None, Query(description="只列该紧急程度的")] = None,
    year: Annotated[
        int | None,
        Query(ge=2000, le=2099, description="签发年度；未签发的按起草年度", examples=[2023]),
    ] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="标题、正文或文号中的文字；多个词以空格分开，须都出现",
            examples=["培训"],
        ),
    ] = None,
    drafted_by: Annotated[UUID | None, Query(description="只列该人员起草的")] = None,
) -> OutboxFilter:
    return OutboxFilter(
        statuses=status or (),
        kinds=kind or (),
        urgency=urgency,
        since=None if year is None else _new_year(year),
        until=None if year is None else _new_year(year + 1),
        words=q,
        drafted_by=drafted_by,
    )


def _new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)


@router.post(
    "",
    summary="起草通知",
    status_code=201,
    response_model=OwnNoticeOut,
    responses=responses(*_IN_ROLE, *errors.WRITING, NothingBelow, RecipientsOutOfReach, IdempotencyKeyReused),
)
async def draft_notice(
    actor: Drafter, body: DraftIn, notices: NoticeService, idempotency: Idempotent
) -> JSONResponse:
    """经办人、签发人、单位管理员可以起草；本单位须有下级单位。草稿可以先不填完整，送审或签发时再检查。"""
    own = await notices.draft(actor, body.content(), body.secrecy)
    headers = {
        "ETag": etag(own.notice.version),
        "Location": f"{router.prefix}/outbox/{own.notice.id}",
    }
    return await idempotency.keep(OwnNoticeOut.of_own(own), headers=headers)


@router.get(
    "/outbox",
    summary="本单位起草和发布的通知",
    responses=responses(*_IN_ROLE),
)
async def list_outbox(
    actor: Officer,
    notices: NoticeService,
    paging: Paging,
    wanted: Annotated[OutboxFilter, Depends(_filter)],
    order: Annotated[
        OutboxOrder, Query(description="排序：created 起草时间，updated 最近修改时间，都从新到旧")
    ] = OutboxOrder.CREATED,
) -> CountedPage[OutboxLine]:
    """包括草稿、审核中和已撤回的；审核人看不到草稿。"""
    found, names, titles = await notices.outbox(actor, paging, wanted, order)
    return found.page(lambda notice: OutboxLine.of(notice, names, titles))


@router.get(
    "/outbox/counts",
    summary="本单位通知的各状态数量",
    responses=responses(*_IN_ROLE),
)
async def count_outbox(actor: Officer, notices: NoticeService) -> OutboxCountsOut:
    """审核人看不到草稿的数量。"""
    return OutboxCountsOut.of(await notices.counts(actor))


@router.get(
    "/outbox/{notice_id}",
    summary="查看本单位的通知",
    responses=responses(*_IN_ROLE, NotFound),
)
async def get_own_notice(
    notice_id: UUID, actor: Officer, notices: NoticeService, response: Response
) -> OwnNoticeDetail:
    """草稿和发布后的通知，连同起草人、签发人、退回原因等只有本单位可见的内容。"""
    own, recipients = await notices.get_own(actor, notice_id)
    response.headers["ETag"] = etag(own.notice.version)
    return OwnNoticeDetail.of_detail(own, recipients)


@router.delete(
    "/{notice_id}",
    summary="删除草稿",
    status_code=204,
    responses=responses(*_IN_ROLE, NotFound, errors.NotDraft, VersionChanged),
)
async def delete_draft(notice_id: UUID, actor: Drafter, notices: NoticeService, seen: IfMatch) -> None:
    """连同修订版本和办理过程一并删除，不能恢复；送审之后的不能删除。"""
    await notices.delete(actor, notice_id, seen)


@router.get(
    "/{notice_id}/history",
    summary="通知的办理过程",
    responses=responses(*_IN_ROLE, NotFound),
)
async def get_notice_history(notice_id: UUID, actor: Officer, notices: NoticeService) -> HistoryOut:
    """谁在何时起草、送审、审核、签发、发布、撤回等，只有发文单位可见。"""
    steps, names = await notices.history(actor, notice_id)
    return HistoryOut.of(list(steps), names)


@router.get(
    "/{notice_id}/revisions",
    summary="草稿的修订版本",
    responses=responses(*_IN_ROLE, NotFound),
)
async def list_notice_revisions(notice_id: UUID, actor: Officer, notices: NoticeService) -> RevisionsOut:
    """从新到旧；同一人十分钟内的多次保存合为一个版本。"""
    revisions, names = await notices.revisions(actor, notice_id)
    return RevisionsOut(items=[RevisionLine.of(one, names) for one in revisions])


@router.get(
    "/{notice_id}/revisions/{version}",
    summary="查看修订版本",
    responses=responses(*_IN_ROLE, errors.RevisionNotFound, NotFound),
)
async def get_notice_revision(
    notice_id: UUID, version: RevisionNumber, actor: Officer, notices: NoticeService
) -> RevisionOut:
    """当时的全部内容。"""
    return RevisionOut.of_content(await notices.revision(actor, notice_id, version))
