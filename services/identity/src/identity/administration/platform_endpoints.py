"""REST API of the platform's security administrator: accounts, means of sign-in, the state of keys."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, PermissionRequired
from identity.accounts.dependencies import AccountService
from identity.accounts.errors import AccountNotActive, AccountNotFound, AccountNotSuspended, NotYourself
from identity.accounts.schemas import ReasonIn
from identity.authenticators.dependencies import AuthenticatorService
from identity.entitlements.dependencies import EntitlementService
from identity.keys.ring import KeyRing
from identity.memberships.dependencies import SuspensionService
from identity.memberships.errors import LastAdministrator
from identity.memberships.schemas import MemberOut
from identity.platform.auth import KeyWatcher, StrongSecurityAdmin
from identity.platform.dependencies import PlatformService
from identity.platform.errors import LastOfItsKind
from identity.sessions.dependencies import SessionService
from servicekit import problems
from servicekit.db import Session

router = APIRouter(
    prefix="/api/v1/platform",
    tags=["平台安全"],
    responses=problems.responses(*REFUSALS, InsufficientScope, PermissionRequired),
)


class SigningKeyOut(BaseModel):
    """The state of a signing key, without the key itself."""

    kid: str = Field(description="密钥标识")
    alg: str = Field(description="签名算法")
    created_at: datetime = Field(description="生成时间")
    activates_at: datetime = Field(description="开始签名的时间")
    retired_at: datetime | None = Field(description="停止签名的时间")
    withdrawn_at: datetime | None = Field(description="停止公布的时间")
    compromised: bool = Field(description="是否因泄露而停用")


@router.post(
    "/accounts/{sub}/suspend",
    summary="停用任一账号",
    description="由安全管理员停用，单位管理员不能恢复；各系统在一秒内拒绝其令牌。部级单位须另有管理员在任。",
    responses=problems.responses(
        NotYourself,
        AccountNotFound,
        AccountNotActive,
        LastAdministrator,
        LastOfItsKind,
    ),
)
async def suspend_any_account(
    sub: UUID,
    why: ReasonIn,
    admin: StrongSecurityAdmin,
    platform: PlatformService,
    suspensions: SuspensionService,
    entitlements: EntitlementService,
) -> MemberOut:
    """Suspend an account of any unit, or of none, but not the last platform administrator of a kind, nor the
    last administrator of the top unit.
    """
    await platform.keep_one_of_each(admin, sub)
    profile = await suspensions.suspend_anywhere(UUID(admin.sub), sub, why.reason)
    return MemberOut.from_profile(profile, await entitlements.names(sub))


@router.post(
    "/accounts/{sub}/restore",
    summary="恢复任一账号",
    description="包括由单位管理员停用的账号。",
    responses=problems.responses(NotYourself, AccountNotFound, AccountNotSuspended),
)
async def restore_any_account(
    sub: UUID,
    why: ReasonIn,
    admin: StrongSecurityAdmin,
    suspensions: SuspensionService,
    entitlements: EntitlementService,
) -> MemberOut:
    """Restore a suspended account of any unit, or of none."""
    profile = await suspensions.restore_anywhere(UUID(admin.sub), sub, why.reason)
    return MemberOut.from_profile(profile, await entitlements.names(sub))


@router.delete(
    "/accounts/{sub}/authenticators",
    status_code=204,
    summary="重置任一账号的登录方式",
    responses=problems.responses(NotYourself, AccountNotFound),
)
async def reset_any_authenticators(
    sub: UUID,
    admin: StrongSecurityAdmin,
    accounts: AccountService,
    authenticators: AuthenticatorService,
    sessions: SessionService,
) -> None:
    """密码、动态口令、恢复码和通行密钥全部移除，所有登录结束，本人收到短信。须在 5 分钟内以最高级别登录。"""
    account = await accounts.get(sub, lock=True)
    await authenticators.reset(account, UUID(admin.sub))
    await sessions.end_all(sub, "authenticators reset by a security administrator", actor=admin.sub)


@router.get("/signing-keys", summary="签名密钥的状态", description="不含密钥本身。")
async def list_signing_keys(_: KeyWatcher, request: Request, session: Session) -> list[SigningKeyOut]:
    """Return the state of all signing keys, newest first."""
    ring: KeyRing = request.app.state.key_ring
    rows = await session.run_sync(ring.listed)
    return [SigningKeyOut.model_validate(row, from_attributes=True) for row in rows]
