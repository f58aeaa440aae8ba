"""REST API for joining units, members and entitlements."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from authkit.dependencies import REFUSALS
from authkit.errors import MembershipRequired, OutOfReach, RoleRequired
from authkit.idempotency import Idempotent
from identity.accounts.errors import (
    AccountNotFound,
    NotYourself,
)
from identity.accounts.models import Account
from identity.accounts.schemas import AccountOut, ReasonIn
from identity.memberships import errors
from identity.memberships.dependencies import MembershipService
from identity.memberships.models import Invite, JoinRequest
from identity.memberships.schemas import (
    EntitlementIn,
    InviteIn,
    InviteOut,
    JoinIn,
    JoinRequestOut,
    account_out,
)
from identity.units.auth import Person, UnitAdmin
from identity.units.errors import UnitClosed, UnitNotFound
from identity.units.models import Unit
from servicekit import problems
from servicekit.paging import Page, Paging, page

router = APIRouter(prefix="/api/v1", tags=["加入单位"], responses=problems.responses(*REFUSALS))
ADMIN = (MembershipRequired, RoleRequired, OutOfReach)


def _invite_out(invite: Invite, code: str | None = None) -> InviteOut:
    return InviteOut(
        id=invite.id,
        unit_id=invite.unit_id,
        code=code,
        roles=invite.roles,
        expires_at=invite.expires_at,
        revoked_at=invite.revoked_at,
        max_uses=invite.max_uses,
        uses=invite.uses,
    )


def _request_out(row: tuple[JoinRequest, Account, Unit]) -> JoinRequestOut:
    request, account, unit = row
    return JoinRequestOut(
        id=request.id,
        sub=account.id,
        name=account.name,
        phone_masked=account.phone_masked,
        unit_id=unit.id,
        unit_name=unit.name,
        roles=request.roles,
        status=request.status,
        requested_at=request.requested_at,
        decided_at=request.decided_at,
        reason=request.reason,
    )


@router.post(
    "/units/{unit_id}/invites",
    status_code=201,
    summary="生成邀请码",
    description="邀请码只在此处返回一次。",
    response_model=InviteOut,
    responses=problems.responses(*ADMIN, UnitNotFound, UnitClosed),
)
async def create_invite(
    unit_id: UUID, new: InviteIn, admin: UnitAdmin, service: MembershipService
) -> InviteOut:
    """Create an invite. Only this response contains its code."""
    invite, code = await service.invite(admin, unit_id, new)
    return _invite_out(invite, code)


@router.post(
    "/invites/{invite_id}/revoke",
    summary="撤销邀请码",
    description="此前用它提交的申请仍然有效。",
    responses=problems.responses(*ADMIN, errors.InviteNotFound),
)
async def revoke_invite(invite_id: UUID, admin: UnitAdmin, service: MembershipService) -> InviteOut:
    """Revoke an invite. Existing requests with it are kept."""
    return _invite_out(await service.revoke_invite(admin, invite_id))


@router.post(
    "/join-requests",
    status_code=201,
    summary="凭邀请码申请加入单位",
    description="单位管理员审核通过之前不能进入任何系统。",
    response_model=JoinRequestOut,
    responses=problems.responses(
        errors.InviteInvalid,
        errors.InviteExpired,
        errors.InviteRevoked,
        errors.InviteUsedUp,
        errors.AlreadyMember,
        errors.AlreadyRequested,
        UnitClosed,
    ),
)
async def request_to_join(
    join: JoinIn, person: Person, idempotency: Idempotent, service: MembershipService
) -> JSONResponse:
    """Request membership. An administrator must approve before the person gets access."""
    return await idempotency.keep(_request_out(await service.request(person, join.invite_code)))


@router.get(
    "/join-requests",
    summary="待审核的加入申请",
    description="本单位及下级单位的申请，从早到晚。",
    responses=problems.responses(*ADMIN),
)
async def list_join_requests(
    admin: UnitAdmin, paging: Paging, service: MembershipService
) -> Page[JoinRequestOut]:
    """Return requests for the caller's unit and all units below it, oldest first."""
    rows = await service.pending(admin, paging.key(UUID), paging.limit)
    return page([_request_out(row) for row in rows], paging.limit, lambda request: [request.id])


DECIDE = problems.responses(
    *ADMIN,
    errors.OwnRequest,
    errors.JoinRequestNotFound,
    errors.JoinRequestDecided,
    errors.AlreadyMember,
    UnitClosed,
)


@router.post(
    "/join-requests/{request_id}/approve",
    summary="通过加入申请",
    description="申请人自此属于该单位，具有邀请码所定的角色。",
    responses=DECIDE,
)
async def approve_join_request(
    request_id: UUID, admin: UnitAdmin, service: MembershipService
) -> JoinRequestOut:
    """Approve a request. The person becomes a member of the unit with the roles of the invite."""
    return _request_out(await service.approve(admin, request_id))


@router.post(
    "/join-requests/{request_id}/reject",
    summary="驳回加入申请",
    description="申请人可以看到原因，并可再次申请。",
    responses=DECIDE,
)
async def reject_join_request(
    request_id: UUID, why: ReasonIn, admin: UnitAdmin, service: MembershipService
) -> JoinRequestOut:
    """Reject a request. The person sees the reason and may request again."""
    return _request_out(await service.reject(admin, request_id, why.reason))


@router.get(
    "/units/{unit_id}/members",
    summary="单位人员",
    description="管辖范围内一个单位的人员，手机号隐去中间四位。",
    responses=problems.responses(*ADMIN, UnitNotFound),
)
async def list_members(
    unit_id: UUID, admin: UnitAdmin, paging: Paging, service: MembershipService
) -> Page[AccountOut]:
    """Return the people of a unit in the caller's subtree, with masked phones."""
    rows = await service.members(admin, unit_id, paging.key(UUID), paging.limit)
    people = [
        AccountOut(
            sub=account.id,
            name=account.name,
            phone_masked=account.phone_masked,
            status=account.status,
            registered_at=account.registered_at,
            unit_id=membership.unit_id,
            roles=membership.roles,
        )
        for account, membership in rows
    ]
    return page(people, paging.limit, lambda person: [person.sub])


@router.post(
    "/accounts/{sub}/entitlements",
    summary="授权进入其他系统",
    description="驾驶舱只授权给部省市县四级学生资助部门的人员。",
    responses=problems.responses(
        *ADMIN, NotYourself, AccountNotFound, errors.NotEligible, errors.UnknownEntitlement
    ),
)
async def grant_entitlement(
    sub: UUID, new: EntitlementIn, admin: UnitAdmin, service: MembershipService
) -> AccountOut:
    """Grant an entitlement to the cockpit, only to people of student-aid departments of the four levels."""
    return account_out(await service.entitle(admin, sub, new.name))


@router.delete(
    "/accounts/{sub}/entitlements/{name}",
    status_code=204,
    summary="撤回授权",
    description="已签发的该系统令牌在一秒内失效。",
    responses=problems.responses(*ADMIN, AccountNotFound, errors.EntitlementNotFound),
)
async def withdraw_entitlement(sub: UUID, name: str, admin: UnitAdmin, service: MembershipService) -> None:
    """Withdraw an entitlement. Tokens issued for that system are rejected within a second."""
    await service.withdraw(admin, sub, name)
