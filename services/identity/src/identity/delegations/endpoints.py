"""REST API of delegations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, MembershipRequired
from identity.delegations import errors
from identity.delegations.dependencies import DelegationService
from identity.delegations.schemas import DelegationIn, DelegationOut
from identity.directory.dependencies import DirectoryService
from identity.memberships.auth import REFUSED, PeopleReader
from identity.memberships.errors import MembershipNotFound
from identity.platform.errors import NoUnitForAdministrators
from identity.units.auth import Member
from identity.units.errors import UnitNotFound
from servicekit import problems
from servicekit.dependencies import ServiceClock
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1", tags=["委托"], responses=problems.responses(*REFUSALS))
Running = Annotated[
    bool | None, Query(description="只列正在期限内且未终止的；false 为未开始、已到期或已终止的")
]
_MEMBER = (InsufficientScope, MembershipRequired)


@router.post(
    "/me/delegations",
    status_code=201,
    summary="委托他人代办",
    description="在一段时间内由本单位另一人员以自己的部分角色办理业务，到期自动失效。",
    responses=problems.responses(
        *_MEMBER,
        errors.BadPeriod,
        errors.RoleNotHeld,
        errors.DelegateNotMember,
        MembershipNotFound,
        NoUnitForAdministrators,
    ),
)
async def create_delegation(
    new: DelegationIn,
    member: Member,
    service: DelegationService,
    directory: DirectoryService,
    clock: ServiceClock,
    response: Response,
) -> DelegationOut:
    """Delegate some of the caller's own roles to another member of a unit."""
    response.headers["Location"] = "/api/v1/me/delegations"
    made = await service.create(UUID(member.sub), new)
    return await directory.named(DelegationOut.of(made, clock.now()))


@router.get(
    "/me/delegations",
    summary="我的委托",
    description="自己委托他人的和他人委托自己的，从新到旧。",
    responses=problems.responses(*_MEMBER),
)
async def list_own_delegations(
    member: Member,
    service: DelegationService,
    directory: DirectoryService,
    clock: ServiceClock,
    paging: Paging,
    running: Running = None,
) -> CountedPage[DelegationOut]:
    """Return the delegations that the caller gave or received, latest first."""
    found = await service.of_person(UUID(member.sub), paging, running=running)
    return await directory.named_page(found.page(lambda row: DelegationOut.of(row, clock.now())))


@router.get(
    "/units/{unit_id}/delegations",
    summary="单位的委托",
    description="管辖范围内一个单位的委托，从新到旧。",
    responses=problems.responses(*REFUSED, UnitNotFound),
)
async def list_unit_delegations(
    unit_id: UUID,
    reader: PeopleReader,
    service: DelegationService,
    directory: DirectoryService,
    clock: ServiceClock,
    paging: Paging,
    running: Running = None,
) -> CountedPage[DelegationOut]:
    """Return the delegations in a unit of the caller's subtree, latest first."""
    found = await service.of_unit(reader, unit_id, paging, running=running)
    return await directory.named_page(found.page(lambda row: DelegationOut.of(row, clock.now())))


@router.post(
    "/delegations/{delegation_id}/revoke",
    summary="终止委托",
    description="委托人或管理该单位人员的管理员可以终止；受托人的令牌立即失效。",
    responses=problems.responses(*_MEMBER, errors.DelegationNotFound),
)
async def revoke_delegation(
    delegation_id: UUID,
    member: Member,
    service: DelegationService,
    directory: DirectoryService,
    clock: ServiceClock,
) -> DelegationOut:
    """End a delegation early."""
    ended = await service.revoke(member, delegation_id)
    return await directory.named(DelegationOut.of(ended, clock.now()))
