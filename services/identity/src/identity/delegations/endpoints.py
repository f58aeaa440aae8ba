"""REST API of delegations."""

from uuid import UUID

from fastapi import APIRouter, Response

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, MembershipRequired
from identity.delegations import errors
from identity.delegations.dependencies import DelegationService
from identity.delegations.schemas import DelegationIn, DelegationOut
from identity.memberships.auth import REFUSED, PeopleReader
from identity.memberships.errors import MembershipNotFound
from identity.platform.errors import NoUnitForAdministrators
from identity.units.auth import Member
from identity.units.errors import UnitNotFound
from servicekit import problems
from servicekit.dependencies import ServiceClock
from servicekit.paging import Page, Paging, page

router = APIRouter(prefix="/api/v1", tags=["委托"], responses=problems.responses(*REFUSALS))
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
    new: DelegationIn, member: Member, service: DelegationService, clock: ServiceClock, response: Response
) -> DelegationOut:
    """Delegate some of the caller's own roles to another member of a unit."""
    response.headers["Location"] = "/api/v1/me/delegations"
    return DelegationOut.of(await service.create(UUID(member.sub), new), clock.now())


@router.get(
    "/me/delegations",
    summary="我的委托",
    description="自己委托他人的和他人委托自己的，从新到旧。",
    responses=problems.responses(*_MEMBER),
)
async def list_own_delegations(
    member: Member, service: DelegationService, clock: ServiceClock, paging: Paging
) -> Page[DelegationOut]:
    """Return the delegations that the caller gave or received, latest first."""
    after = paging.key(UUID)
    rows = await service.of_person(UUID(member.sub), None if after is None else after[0], paging.limit)
    return page([DelegationOut.of(row, clock.now()) for row in rows], paging.limit, lambda one: [one.id])


@router.get(
    "/units/{unit_id}/delegations",
    summary="单位的委托",
    description="管辖范围内一个单位的委托，从新到旧。",
    responses=problems.responses(*REFUSED, UnitNotFound),
)
async def list_unit_delegations(
    unit_id: UUID, reader: PeopleReader, service: DelegationService, clock: ServiceClock, paging: Paging
) -> Page[DelegationOut]:
    """Return the delegations in a unit of the caller's subtree, latest first."""
    after = paging.key(UUID)
    rows = await service.of_unit(reader, unit_id, None if after is None else after[0], paging.limit)
    return page([DelegationOut.of(row, clock.now()) for row in rows], paging.limit, lambda one: [one.id])


@router.post(
    "/delegations/{delegation_id}/revoke",
    summary="终止委托",
    description="委托人或管理该单位人员的管理员可以终止；受托人的令牌立即失效。",
    responses=problems.responses(*_MEMBER, errors.DelegationNotFound),
)
async def revoke_delegation(
    delegation_id: UUID, member: Member, service: DelegationService, clock: ServiceClock
) -> DelegationOut:
    """End a delegation early."""
    return DelegationOut.of(await service.revoke(member, delegation_id), clock.now())
