"""REST API of invites."""

from uuid import UUID

from fastapi import APIRouter

from authkit.dependencies import REFUSALS
from identity.invites import errors
from identity.invites.dependencies import InviteService
from identity.invites.schemas import InviteIn, InviteOut
from identity.memberships.auth import REFUSED, Admitter
from identity.roles.errors import RoleNotGrantable
from identity.units.errors import UnitClosed, UnitNotFound
from servicekit import problems

router = APIRouter(prefix="/api/v1", tags=["邀请码"], responses=problems.responses(*REFUSALS))


@router.post(
    "/units/{unit_id}/invites",
    status_code=201,
    summary="生成邀请码",
    description="邀请码只在此处返回一次。",
    responses=problems.responses(*REFUSED, UnitNotFound, UnitClosed, RoleNotGrantable),
)
async def create_invite(unit_id: UUID, new: InviteIn, admin: Admitter, service: InviteService) -> InviteOut:
    """Create an invite. Only this response contains its code."""
    return InviteOut.of(*await service.create(admin, unit_id, new))


@router.post(
    "/invites/{invite_id}/revoke",
    summary="撤销邀请码",
    description="此前用它提交的申请仍然有效。",
    responses=problems.responses(*REFUSED, errors.InviteNotFound),
)
async def revoke_invite(invite_id: UUID, admin: Admitter, service: InviteService) -> InviteOut:
    """Revoke an invite. Existing requests with it are kept."""
    return InviteOut.of(await service.revoke(admin, invite_id))
