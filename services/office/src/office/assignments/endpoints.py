"""The API of assignments."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from authkit.errors import PermissionRequired
from authkit.idempotency import Idempotent
from office.actors import Member
from office.assignments.dependencies import AssignmentService
from office.assignments.errors import DueAfterDeadline, NotAssigned, NotColleague
from office.assignments.schemas import AssignIn, AssignmentOut, AssignmentsOut, FinishIn
from office.directory.errors import REFUSALS
from office.notices.auth import Clerk
from office.notices.errors import NOT_CIRCULATING, BadDeadline
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])


@router.get(
    "/{notice_id}/assignments",
    summary="通知的承办记录",
    responses=responses(*REFUSALS, NotFound),
)
async def list_assignments(notice_id: UUID, actor: Member, assignments: AssignmentService) -> AssignmentsOut:
    """本单位内部的交办、改派和办结记录，上级和下级单位看不到。"""
    return AssignmentsOut.of(await assignments.history(actor, notice_id))


@router.post(
    "/{notice_id}/assignments",
    summary="交办或改派",
    status_code=201,
    response_model=AssignmentOut,
    responses=responses(
        *REFUSALS,
        PermissionRequired,
        *NOT_CIRCULATING,
        NotColleague,
        DueAfterDeadline,
        BadDeadline,
        IdempotencyKeyReused,
    ),
)
async def assign_notice(
    notice_id: UUID,
    actor: Clerk,
    body: AssignIn,
    assignments: AssignmentService,
    idempotency: Idempotent,
) -> JSONResponse:
    """指定本单位的承办人和承办期限，承办人收到待办。已有承办人的即为改派，原待办撤回。"""
    assigned = await assignments.assign(actor, notice_id, body.owner, body.due_at, body.note)
    headers = {"Location": f"/api/v1/notices/{notice_id}/assignments"}
    return await idempotency.keep(AssignmentOut.of_one(assigned), headers=headers)


@router.post(
    "/{notice_id}/assignments/finish",
    summary="承办办结",
    responses=responses(*REFUSALS, PermissionRequired, NotFound, NotAssigned),
)
async def finish_assignment(
    notice_id: UUID, actor: Member, body: FinishIn, assignments: AssignmentService
) -> AssignmentOut:
    """由承办人本人或有签收权限的人员办结。"""
    return AssignmentOut.of_one(await assignments.finish(actor, notice_id, body.result))


@router.post(
    "/{notice_id}/assignments/cancel",
    summary="取消承办",
    responses=responses(*REFUSALS, PermissionRequired, NotFound, NotAssigned),
)
async def cancel_assignment(notice_id: UUID, actor: Clerk, assignments: AssignmentService) -> AssignmentOut:
    """取消后没有承办人，承办人的待办撤回。"""
    return AssignmentOut.of_one(await assignments.cancel(actor, notice_id))
