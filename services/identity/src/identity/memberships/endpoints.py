"""REST API of the members of units."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.dependencies import REFUSALS
from contracts.vocabulary import AccountStatus
from identity.memberships.auth import REFUSED, PeopleReader
from identity.memberships.dependencies import MembershipService
from identity.memberships.repository import MemberFilter, MemberSort
from identity.memberships.schemas import MemberOut, NamePart
from identity.roles.schemas import RoleCode
from identity.units.errors import UnitNotFound
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1", tags=["单位人员"], responses=problems.responses(*REFUSALS))


@router.get(
    "/units/{unit_id}/members",
    summary="单位人员",
    description="管辖范围内一个单位的人员，手机号隐去中间四位。",
    responses=problems.responses(*REFUSED, UnitNotFound),
)
async def list_members(
    unit_id: UUID,
    reader: PeopleReader,
    paging: Paging,
    service: MembershipService,
    role: Annotated[RoleCode | None, Query(description="只列有此角色的人员")] = None,
    status: Annotated[AccountStatus | None, Query(description="账号的状态")] = None,
    q: Annotated[NamePart | None, Query(description="姓名包含")] = None,
    sort: Annotated[MemberSort, Query(description="排列")] = MemberSort.REGISTERED_AT,
) -> CountedPage[MemberOut]:
    """Return the people of a unit in the caller's subtree, with masked phones."""
    found = await service.members(reader, unit_id, MemberFilter(role, q, status), sort, paging)
    return found.page(lambda profile: MemberOut.from_profile(profile, []))
