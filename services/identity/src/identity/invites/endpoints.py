"""REST API of invites."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.dependencies import REFUSALS
from identity.dependencies import ServiceSettings
from identity.directory.dependencies import DirectoryService
from identity.invites import errors
from identity.invites.dependencies import InviteService
from identity.invites.links import join_link
from identity.invites.schemas import InviteIn, InviteOut
from identity.memberships.auth import REFUSED, Admitter
from identity.roles.errors import RoleNotGrantable, UnknownRole
from identity.units.errors import UnitClosed, UnitNotFound
from servicekit import problems
from servicekit.lists import AgeSort
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1", tags=["邀请码"], responses=problems.responses(*REFUSALS))


@router.post(
    "/units/{unit_id}/invites",
    status_code=201,
    summary="生成邀请码",
    description="邀请码、加入地址及其二维码只在此处返回一次。",
    responses=problems.responses(*REFUSED, UnitNotFound, UnitClosed, RoleNotGrantable, UnknownRole),
)
async def create_invite(
    unit_id: UUID,
    new: InviteIn,
    admin: Admitter,
    service: InviteService,
    settings: ServiceSettings,
    directory: DirectoryService,
    response: Response,
) -> InviteOut:
    """Create an invite. Only this response contains its code."""
    invite, code = await service.create(admin, unit_id, new)
    response.headers["Location"] = f"/api/v1/units/{unit_id}/invites"
    return await directory.named(InviteOut.of(invite, code, join_link(settings.issuer_url, code)))


@router.get(
    "/units/{unit_id}/invites",
    summary="单位的邀请码",
    description="默认从新到旧；不含邀请码本身。",
    responses=problems.responses(*REFUSED, UnitNotFound),
)
async def list_invites(
    unit_id: UUID,
    admin: Admitter,
    service: InviteService,
    directory: DirectoryService,
    paging: Paging,
    usable: Annotated[bool, Query(description="只列仍可使用的")] = False,
    sort: Annotated[AgeSort, Query(description="排列")] = AgeSort.NEWEST,
) -> CountedPage[InviteOut]:
    """Return the invites of a unit, without their codes."""
    found = await service.of_unit(admin, unit_id, sort, paging, usable=usable)
    return await directory.named_page(found.page(InviteOut.of))


@router.post(
    "/invites/{invite_id}/revoke",
    summary="撤销邀请码",
    description="此前用它提交的申请仍然有效。",
    responses=problems.responses(*REFUSED, errors.InviteNotFound),
)
async def revoke_invite(
    invite_id: UUID, admin: Admitter, service: InviteService, directory: DirectoryService
) -> InviteOut:
    """Revoke an invite. Existing requests with it are kept."""
    return await directory.named(InviteOut.of(await service.revoke(admin, invite_id)))
