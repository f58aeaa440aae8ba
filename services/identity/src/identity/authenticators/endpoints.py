"""REST: an administrator resets the authenticators of somebody who has lost them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from authkit import acr
from authkit.dependencies import REFUSALS, requires
from authkit.errors import InsufficientUserAuthentication, MembershipRequired, OutOfReach, RoleRequired
from authkit.principal import Principal
from identity.accounts.errors import AccountNotFound, NotYourself
from identity.authenticators import rules
from identity.authenticators.dependencies import Service
from identity.codes.errors import SmsUnavailable
from identity.dependencies import Clock, Settings
from identity.memberships.dependencies import Service as Memberships
from identity.sessions.service import Sessions
from identity.units.auth import SCOPE
from servicekit import problems
from servicekit.db import Session

router = APIRouter(prefix="/api/v1", tags=["登录方式"], responses=problems.responses(*REFUSALS))

StrongAdmin = Annotated[
    Principal,
    Depends(
        requires(
            scope=SCOPE,
            roles=("unit_admin",),
            acr=acr.MFA,
            max_age=int(rules.FRESH.total_seconds()),
        )
    ),
]
"""A unit's administrator who has just signed in at the highest level (RFC 9470)."""


@router.delete(
    "/accounts/{sub}/authenticators",
    status_code=204,
    summary="重置某人的登录方式",
    responses=problems.responses(
        InsufficientUserAuthentication,
        MembershipRequired,
        RoleRequired,
        OutOfReach,
        AccountNotFound,
        NotYourself,
        SmsUnavailable,
    ),
)
async def reset(
    sub: UUID,
    admin: StrongAdmin,
    memberships: Memberships,
    authenticators: Service,
    session: Session,
    clock: Clock,
    settings: Settings,
) -> None:
    """密码、动态口令、恢复码和通行密钥全部移除，所有登录结束，本人收到短信。须在 5 分钟内以最高级别登录。"""
    standing = await memberships.in_reach(admin, sub, lock=True)
    await authenticators.reset(standing.account, UUID(admin.sub))
    await Sessions(session, clock, settings.access_token_seconds).end_all(
        sub, "authenticators reset by an administrator", actor=admin.sub
    )
