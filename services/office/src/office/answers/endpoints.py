"""The API of answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.errors import OutOfReach, PermissionRequired
from office.actors import Member
from office.answers import errors
from office.answers.dependencies import AnswerService
from office.answers.schemas import AnswerIn, AnswerOut, AnswerRevisionsOut, ReopenIn, SubmitIn
from office.directory.errors import REFUSALS
from office.forms.errors import NoForm
from office.notices.auth import Clerk, Officer
from office.notices.errors import NOT_CIRCULATING, ClassifiedDocumentRefused
from office.returns.errors import NoticeReturned, OwnNotice
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices/{notice_id}", tags=["通知答复"])

_ANSWERING = (
    *REFUSALS,
    PermissionRequired,
    *NOT_CIRCULATING,
    NoForm,
    OwnNotice,
    NoticeReturned,
    errors.CollectionEnded,
    errors.AnswerClosed,
    errors.AnswerInvalid,
    ClassifiedDocumentRefused,
    VersionChanged,
    PreconditionRequired,
)


@router.get(
    "/answer",
    summary="本单位的答复",
    responses=responses(*REFUSALS, NotFound, NoForm, OwnNotice),
)
async def get_answer(notice_id: UUID, actor: Member, answers: AnswerService, response: Response) -> AnswerOut:
    """表单、填写中的内容和已提交的内容。尚未填写的 ETag 为 "0"。"""
    own = AnswerOut.of(await answers.own(actor, notice_id))
    response.headers["ETag"] = etag(own.version)
    return own


@router.put("/answer", summary="保存填写中的答复", responses=responses(*_ANSWERING))
async def save_answer(
    notice_id: UUID,
    actor: Clerk,
    body: AnswerIn,
    answers: AnswerService,
    seen: RequiredIfMatch,
    response: Response,
) -> AnswerOut:
    """自动保存用：整体替换填写中的内容，必填项可以为空，已提交的内容不变。If-Match 必填，以免互相覆盖。"""
    own = AnswerOut.of(await answers.save(actor, notice_id, body.values, seen))
    response.headers["ETag"] = etag(own.version)
    return own


@router.post(
    "/answer/submit",
    summary="提交答复",
    responses=responses(*_ANSWERING, errors.NothingToSubmit),
)
async def submit_answer(
    notice_id: UUID,
    actor: Clerk,
    body: SubmitIn,
    answers: AnswerService,
    seen: RequiredIfMatch,
    response: Response,
) -> AnswerOut:
    """期限之前可以多次提交，以最后一次为准；期限之后只能首次提交（记为逾期），或在退回修改后提交。"""
    own = AnswerOut.of(await answers.submit(actor, notice_id, body.values, seen))
    response.headers["ETag"] = etag(own.version)
    return own


@router.get(
    "/answer/revisions",
    summary="历次提交的答复",
    responses=responses(*REFUSALS, PermissionRequired, NotFound, OutOfReach),
)
async def list_answer_revisions(
    notice_id: UUID,
    actor: Officer,
    answers: AnswerService,
    unit_id: Annotated[UUID | None, Query(description="下级单位；默认本单位")] = None,
) -> AnswerRevisionsOut:
    """本单位或下级单位历次提交的内容。"""
    return AnswerRevisionsOut.of(await answers.revisions(actor, notice_id, unit_id))


@router.post(
    "/answers/{unit_id}/reopen",
    summary="退回修改答复",
    status_code=204,
    responses=responses(
        *REFUSALS,
        PermissionRequired,
        OutOfReach,
        *NOT_CIRCULATING,
        NoForm,
        errors.NotAnswered,
        errors.CollectionEnded,
    ),
)
async def reopen_answer(
    notice_id: UUID, unit_id: UUID, actor: Clerk, body: ReopenIn, answers: AnswerService
) -> None:
    """要求下级单位修改已提交的答复，期限之后也可以修改。修改提交之前，原内容仍然有效。"""
    await answers.reopen(actor, notice_id, unit_id, body.note)
