"""REST API of requests to join a unit."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from authkit.dependencies import REFUSALS
from authkit.idempotency import Idempotent
from identity.accounts.schemas import ReasonIn
from identity.invites import errors as invite_errors
from identity.joining import errors
from identity.joining.dependencies import JoinService
from identity.joining.schemas import CountOut, JoinIn, JoinRequestOut
from identity.memberships.auth import REFUSED, Admitter
from identity.memberships.errors import AlreadyMember
from identity.units.auth import Person
from identity.units.errors import UnitClosed
from servicekit import problems
from servicekit.paging import Page, Paging, page

router = APIRouter(prefix="/api/v1", tags=["加入单位"], responses=problems.responses(*REFUSALS))
_DECIDE = problems.responses(
    *REFUSED,
    errors.OwnRequest,
    errors.JoinRequestNotFound,
    errors.JoinRequestDecided,
    AlreadyMember,
    UnitClosed,
)


@router.post(
    "/join-requests",
    status_code=201,
    summary="凭邀请码申请加入单位",
    description="单位管理员审核通过之前不能进入任何系统。",
    response_model=JoinRequestOut,
    responses=problems.responses(
        invite_errors.InviteInvalid,
        invite_errors.InviteExpired,
        invite_errors.InviteRevoked,
        invite_errors.InviteUsedUp,
        AlreadyMember,
        errors.AlreadyRequested,
        UnitClosed,
    ),
)
async def request_to_join(
    join: JoinIn, person: Person, idempotency: Idempotent, service: JoinService
) -> JSONResponse:
    """Request membership. An administrator must approve before the person gets access."""
    asked = await service.request(UUID(person.sub), join.invite_code)
    return await idempotency.keep(JoinRequestOut.of(asked))


@router.get(
    "/join-requests",
    summary="待审核的加入申请",
    description="本单位及下级单位的申请，从早到晚。",
    responses=problems.responses(*REFUSED),
)
async def list_join_requests(admin: Admitter, paging: Paging, service: JoinService) -> Page[JoinRequestOut]:
    """Return requests for the caller's unit and all units below it, oldest first."""
    rows = await service.pending(admin, paging.key(UUID), paging.limit)
    return page([JoinRequestOut.of(row) for row in rows], paging.limit, lambda request: [request.id])


@router.get(
    "/join-requests/count",
    summary="待审核的加入申请数",
    description="本单位及下级单位的申请数，最多数到 1000。",
    responses=problems.responses(*REFUSED),
)
async def count_join_requests(admin: Admitter, service: JoinService) -> CountOut:
    """Return the number of requests that wait for the caller, 1000 at most."""
    return CountOut(count=await service.count_pending(admin))


@router.post(
    "/join-requests/{request_id}/approve",
    summary="通过加入申请",
    description="申请人自此属于该单位，具有邀请码所定的角色。",
    responses=_DECIDE,
)
async def approve_join_request(request_id: UUID, admin: Admitter, service: JoinService) -> JoinRequestOut:
    """Approve a request. The person becomes a member of the unit with the roles of the invite."""
    return JoinRequestOut.of(await service.approve(admin, request_id))


@router.post(
    "/join-requests/{request_id}/reject",
    summary="驳回加入申请",
    description="申请人可以看到原因，并可再次申请。",
    responses=_DECIDE,
)
async def reject_join_request(
    request_id: UUID, why: ReasonIn, admin: Admitter, service: JoinService
) -> JoinRequestOut:
    """Reject a request. The person sees the reason and may request again."""
    return JoinRequestOut.of(await service.reject(admin, request_id, why.reason))
