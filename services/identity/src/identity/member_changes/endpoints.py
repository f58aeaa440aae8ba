"""REST API of changes of a unit's people."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, MembershipRequired
from identity.accounts.dependencies import AccountService
from identity.accounts.errors import AccountNotFound, NotYourself
from identity.directory.dependencies import DirectoryService
from identity.member_changes import errors
from identity.member_changes.dependencies import MemberChangesService
from identity.member_changes.schemas import HandOverOut, LeaveIn, MemberChangeIn, OwnLeaveIn
from identity.memberships.auth import REFUSED, PeopleManager, PeopleReader
from identity.memberships.errors import LastAdministrator, MembershipNotFound
from identity.memberships.schemas import MemberOut
from identity.platform.errors import NoUnitForAdministrators
from identity.roles.errors import RoleNotGrantable, UnknownRole
from identity.units.auth import Member
from identity.units.errors import UnitNotFound
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1", tags=["人员变动"], responses=problems.responses(*REFUSALS))
_ANOTHER = (*REFUSED, NotYourself, UnitNotFound, AccountNotFound, MembershipNotFound)


@router.patch(
    "/units/{unit_id}/members/{sub}",
    summary="调整人员的角色和职务",
    description="限管辖范围内、本人可以授予的角色，不能对本人操作。失去的权限在一秒内失效。",
    responses=problems.responses(
        *_ANOTHER, RoleNotGrantable, UnknownRole, LastAdministrator, NoUnitForAdministrators
    ),
)
async def change_member(
    unit_id: UUID, sub: UUID, new: MemberChangeIn, admin: PeopleManager, member_changes: MemberChangesService
) -> MemberOut:
    """Change the roles, posts or duties of a member."""
    return MemberOut.from_profile(await member_changes.change(admin, unit_id, sub, new), [])


@router.post(
    "/units/{unit_id}/members/{sub}/end",
    summary="将人员移出单位",
    description="立即生效；其未办事项随后交接给接手人或单位。",
    status_code=204,
    responses=problems.responses(*_ANOTHER, LastAdministrator, errors.BadSuccessor),
)
async def end_membership(
    unit_id: UUID, sub: UUID, why: LeaveIn, admin: PeopleManager, member_changes: MemberChangesService
) -> None:
    """End a person's membership at once; open work is handed over afterwards."""
    await member_changes.remove(admin, unit_id, sub, why)


@router.post(
    "/me/leave",
    status_code=202,
    summary="离开单位",
    description="先交接未办事项，交接完成后自动离开；最后一名单位管理员不能离开。",
    responses=problems.responses(
        InsufficientScope,
        MembershipRequired,
        UnitNotFound,
        MembershipNotFound,
        errors.AlreadyLeaving,
        LastAdministrator,
        errors.BadSuccessor,
    ),
)
async def leave_unit(
    why: OwnLeaveIn,
    member: Member,
    member_changes: MemberChangesService,
    accounts: AccountService,
    directory: DirectoryService,
    response: Response,
) -> HandOverOut:
    """Leave one of the caller's units after the hand-over of open work."""
    row = await member_changes.leave(UUID(member.sub), why.unit_id, why)
    # The unit's hand-overs are for those who stay; the membership is in the person's own record.
    response.headers["Location"] = "/api/v1/me"
    return await directory.named(HandOverOut.of(row, await accounts.get(row.account_id)))


@router.get(
    "/units/{unit_id}/hand-overs",
    summary="单位的工作交接",
    description="管辖范围内一个单位离开人员的工作交接，从新到旧。",
    responses=problems.responses(*REFUSED, UnitNotFound),
)
async def list_hand_overs(
    unit_id: UUID,
    reader: PeopleReader,
    member_changes: MemberChangesService,
    directory: DirectoryService,
    paging: Paging,
    completed: Annotated[bool | None, Query(description="只列已完成的；false 为正在交接的")] = None,
) -> CountedPage[HandOverOut]:
    """Return the hand-overs in a unit, latest first."""
    found = await member_changes.hand_overs(reader, unit_id, completed, paging)
    return await directory.named_page(found.page(lambda row: HandOverOut.of(*row)))
