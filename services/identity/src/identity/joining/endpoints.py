"""REST API of requests to join a unit."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from authkit.idempotency import Idempotent
from identity.accounts.errors import AccountNotFound, NotYourself
from identity.accounts.schemas import ReasonIn
from identity.directory.dependencies import DirectoryService
from identity.invites import errors as invite_errors
from identity.joining import errors
from identity.joining.dependencies import JoinService
from identity.joining.repository import JoinFilter
from identity.joining.schemas import (
    ApprovalIn,
    CodeIn,
    CountOut,
    InvitedOut,
    JoinIn,
    JoinRequestOut,
    TransferIn,
    UnitChoiceOut,
)
from identity.memberships.auth import REFUSED, Admitter, PeopleManager
from identity.memberships.errors import AlreadyMember, LastAdministrator, MembershipNotFound
from identity.memberships.schemas import NamePart
from identity.platform.errors import NoUnitForAdministrators
from identity.roles.errors import RoleNotGrantable, UnknownRole
from identity.units.auth import Person
from identity.units.errors import UnitClosed, UnitNotFound
from servicekit import problems
from servicekit.lists import AgeSort
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1", tags=["加入单位"], responses=problems.responses(*REFUSALS))
_INVITE = (
    invite_errors.InviteInvalid,
    invite_errors.InviteExpired,
    invite_errors.InviteRevoked,
    invite_errors.InviteUsedUp,
)
_DECIDING = (
    *REFUSED,
    errors.OwnRequest,
    errors.JoinRequestNotFound,
    errors.JoinRequestDecided,
    AlreadyMember,
    UnitClosed,
)
_DECIDE = problems.responses(*_DECIDING)
_APPROVE = problems.responses(
    *_DECIDING,
    RoleNotGrantable,
    UnknownRole,
    LastAdministrator,
    MembershipNotFound,
    NoUnitForAdministrators,
)


@router.get(
    "/join-units",
    summary="可申请加入的单位",
    description="不指定上级单位时返回最上级单位；尚未加入单位的人员也可查询。",
    responses=problems.responses(InsufficientScope, UnitNotFound),
)
async def list_unit_choices(
    _: Person,
    service: JoinService,
    paging: Paging,
    parent_id: Annotated[UUID | None, Query(description="上级单位")] = None,
    q: Annotated[NamePart | None, Query(description="名称包含")] = None,
) -> CountedPage[UnitChoiceOut]:
    """Return the units directly below one, by code, for anybody who wants to join one."""
    found = await service.choices(parent_id, q, paging)
    return found.page(lambda row: UnitChoiceOut.model_validate(row))


@router.post(
    "/join-requests/preview",
    summary="查看邀请码",
    description="邀请码所属的单位、角色和有效期；不消耗使用次数。",
    responses=problems.responses(InsufficientScope, *_INVITE),
)
async def preview_invite(code: CodeIn, _: Person, service: JoinService) -> InvitedOut:
    """Return what a usable invite code invites to."""
    return InvitedOut.of(await service.invited(code.invite_code))


@router.post(
    "/join-requests",
    status_code=201,
    summary="申请加入单位",
    description="凭邀请码，或选择单位。审核通过之前不能进入任何系统；5 个工作日未处理的，转上一级单位。",
    response_model=JoinRequestOut,
    responses=problems.responses(
        InsufficientScope,
        errors.OneWayToJoin,
        *_INVITE,
        UnitNotFound,
        AlreadyMember,
        errors.AlreadyRequested,
        UnitClosed,
        UnknownRole,
        MembershipNotFound,
        NoUnitForAdministrators,
    ),
)
async def request_to_join(
    join: JoinIn,
    person: Person,
    idempotency: Idempotent,
    service: JoinService,
    directory: DirectoryService,
) -> JSONResponse:
    """Request membership. An administrator must approve before the person gets access."""
    made = await directory.named(JoinRequestOut.of(await service.request(UUID(person.sub), join)))
    return await idempotency.keep(made, headers={"Location": f"/api/v1/join-requests/{made.id}"})


@router.post(
    "/units/{unit_id}/members/{sub}/transfer",
    status_code=201,
    summary="申请将人员调往其他单位",
    description="由调入单位审核；通过后离开原单位，其未办事项交回原单位。",
    responses=problems.responses(
        *REFUSED,
        NotYourself,
        UnitNotFound,
        AccountNotFound,
        MembershipNotFound,
        AlreadyMember,
        errors.AlreadyRequested,
        UnitClosed,
        UnknownRole,
        NoUnitForAdministrators,
    ),
)
async def transfer_member(
    unit_id: UUID,
    sub: UUID,
    wish: TransferIn,
    admin: PeopleManager,
    service: JoinService,
    directory: DirectoryService,
    response: Response,
) -> JoinRequestOut:
    """Ask another unit to take over a member."""
    made = await directory.named(JoinRequestOut.of(await service.transfer(admin, unit_id, sub, wish)))
    response.headers["Location"] = f"/api/v1/join-requests/{made.id}"
    return made


@router.get(
    "/me/join-requests",
    summary="我的加入申请",
    description="本人的全部申请，从新到旧。",
    responses=problems.responses(InsufficientScope),
)
async def list_own_requests(
    person: Person, paging: Paging, service: JoinService, directory: DirectoryService
) -> CountedPage[JoinRequestOut]:
    """Return the caller's own requests, latest first."""
    found = await service.mine(UUID(person.sub), paging)
    return await directory.named_page(found.page(JoinRequestOut.of))


@router.post(
    "/join-requests/{request_id}/withdraw",
    summary="撤回加入申请",
    description="只有申请人可以撤回，并可再次申请。",
    responses=problems.responses(
        InsufficientScope, errors.JoinRequestNotFound, errors.NotYourRequest, errors.JoinRequestDecided
    ),
)
async def withdraw_join_request(
    request_id: UUID, person: Person, service: JoinService, directory: DirectoryService
) -> JoinRequestOut:
    """Take one's own request back."""
    return await directory.named(JoinRequestOut.of(await service.withdraw(UUID(person.sub), request_id)))


@router.get(
    "/join-requests",
    summary="待审核的加入申请",
    description="本单位及下级单位的申请。",
    responses=problems.responses(*REFUSED),
)
async def list_join_requests(
    admin: Admitter,
    paging: Paging,
    service: JoinService,
    directory: DirectoryService,
    waiting: Annotated[
        bool, Query(description="只列应由本单位处理的：本单位的，以及逾期未处理或没有管理员而转上来的")
    ] = False,
    unit_id: Annotated[UUID | None, Query(description="只列申请加入此单位的")] = None,
    transfer: Annotated[bool | None, Query(description="只列调动的；false 为不是调动的")] = None,
    q: Annotated[NamePart | None, Query(description="申请人的姓名包含")] = None,
    sort: Annotated[AgeSort, Query(description="排列")] = AgeSort.OLDEST,
) -> CountedPage[JoinRequestOut]:
    """Return requests for the caller's unit and all units below it."""
    wanted = JoinFilter(waiting, unit_id, transfer, q)
    found = await service.pending(admin, wanted, sort, paging)
    return await directory.named_page(found.page(JoinRequestOut.of))


@router.get(
    "/join-requests/count",
    summary="待审核的加入申请数",
    description="应由本单位处理的申请数，最多数到 1000。",
    responses=problems.responses(*REFUSED),
)
async def count_join_requests(admin: Admitter, service: JoinService) -> CountOut:
    """Return the number of requests that wait for the caller's unit, 1000 at most."""
    return CountOut(count=await service.count_waiting(admin))


@router.get(
    "/join-requests/{request_id}",
    summary="查看加入申请",
    description="管辖范围内的一项申请，已处理的也可查看。",
    responses=problems.responses(*REFUSED, errors.JoinRequestNotFound),
)
async def get_join_request(
    request_id: UUID, admin: Admitter, service: JoinService, directory: DirectoryService
) -> JoinRequestOut:
    """Return a request for a unit in the caller's subtree."""
    return await directory.named(JoinRequestOut.of(await service.get(admin, request_id)))


@router.post(
    "/join-requests/{request_id}/approve",
    summary="通过加入申请",
    description="申请人自此属于该单位。可以另定角色和职务，但不能授予自己无权授予的角色。",
    responses=_APPROVE,
)
async def approve_join_request(
    request_id: UUID,
    admin: Admitter,
    service: JoinService,
    directory: DirectoryService,
    granted: ApprovalIn | None = None,
) -> JoinRequestOut:
    """Approve a request. The person becomes a member of the unit, with the roles of the request or others."""
    return await directory.named(JoinRequestOut.of(await service.approve(admin, request_id, granted)))


@router.post(
    "/join-requests/{request_id}/reject",
    summary="驳回加入申请",
    description="申请人可以看到原因，并可再次申请。",
    responses=_DECIDE,
)
async def reject_join_request(
    request_id: UUID, why: ReasonIn, admin: Admitter, service: JoinService, directory: DirectoryService
) -> JoinRequestOut:
    """Reject a request. The person sees the reason and may request again."""
    return await directory.named(JoinRequestOut.of(await service.reject(admin, request_id, why.reason)))
