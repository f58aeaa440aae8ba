"""REST API of the members of units."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.dependencies import REFUSALS
from identity.memberships.auth import REFUSED, PeopleReader
from identity.memberships.dependencies import MembershipService
from identity.memberships.schemas import MemberOut
from identity.roles.schemas import RoleCode
from identity.units.errors import UnitNotFound
from servicekit import problems
from servicekit.paging import Page, Paging, page

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
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$", description="姓名包含"),
    ] = None,
) -> Page[MemberOut]:
    """Return the people of a unit in the caller's subtree, with masked phones."""
    rows = await service.members(
        reader, unit_id, role=role, query=q, after=paging.key(UUID), limit=paging.limit
    )
    people = [MemberOut.from_profile(row, []) for row in rows]
    return page(people, paging.limit, lambda person: [person.sub])
