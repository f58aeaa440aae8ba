"""REST API of entitlements to other systems."""

from uuid import UUID

from fastapi import APIRouter

from authkit.dependencies import REFUSALS
from identity.accounts.errors import AccountNotFound, NotYourself
from identity.entitlements import errors
from identity.entitlements.dependencies import EntitlementService
from identity.entitlements.schemas import EntitlementIn
from identity.memberships.auth import REFUSED, EntitlementGranter
from identity.memberships.schemas import MemberOut
from servicekit import problems

router = APIRouter(prefix="/api/v1", tags=["系统授权"], responses=problems.responses(*REFUSALS))


@router.post(
    "/accounts/{sub}/entitlements",
    summary="授权进入其他系统",
    description="驾驶舱只授权给部省市县四级学生资助部门的人员。",
    responses=problems.responses(
        *REFUSED, NotYourself, AccountNotFound, errors.NotEligible, errors.UnknownEntitlement
    ),
)
async def grant_entitlement(
    sub: UUID, new: EntitlementIn, admin: EntitlementGranter, service: EntitlementService
) -> MemberOut:
    """Grant an entitlement to the cockpit, only to people of student-aid departments of the four levels."""
    profile = await service.entitle(admin, sub, new.name)
    return MemberOut.from_profile(profile, await service.names(sub))


@router.delete(
    "/accounts/{sub}/entitlements/{name}",
    status_code=204,
    summary="撤回授权",
    description="已签发的该系统令牌在一秒内失效。",
    responses=problems.responses(*REFUSED, AccountNotFound, errors.EntitlementNotFound),
)
async def withdraw_entitlement(
    sub: UUID, name: str, admin: EntitlementGranter, service: EntitlementService
) -> None:
    """Withdraw an entitlement. Tokens issued for that system are rejected within a second."""
    await service.withdraw(admin, sub, name)
