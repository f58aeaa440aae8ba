"""REST API for administration across features: accounts, sessions and authenticators in the caller's
subtree, and a person's record as seen by its owner and by other services.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from authkit import acr
from authkit.dependencies import REFUSALS, requires
from authkit.errors import InsufficientScope
from authkit.principal import Principal
from contracts.identity import PersonChangedV1
from contracts.vocabulary import Permission
from identity.accounts.dependencies import AccountService
from identity.accounts.errors import (
    AccountNotActive,
    AccountNotFound,
    AccountNotSuspended,
    NotYourself,
    SuspendedAbove,
)
from identity.accounts.schemas import ReasonIn, UnmaskedOut
from identity.authenticators.dependencies import AuthenticatorService
from identity.entitlements.dependencies import EntitlementService
from identity.memberships.auth import REFUSED, AccountManager
from identity.memberships.dependencies import MembershipService, SuspensionService
from identity.memberships.errors import LastAdministrator
from identity.memberships.schemas import MemberOut
from identity.platform.auth import AccountReader
from identity.sessions.dependencies import SessionService
from identity.sessions.errors import SessionNotFound
from identity.sessions.schemas import SessionOut
from identity.units.auth import SCOPE, DirectoryReader
from servicekit import problems
from servicekit.paging import Page, Paging, page

router = APIRouter(prefix="/api/v1", responses=problems.responses(*REFUSALS))

StrongAdmin = Annotated[
    Principal,
    Depends(
        requires(
            scope=SCOPE,
            permission=Permission.ACCOUNTS_MANAGE,
            acr=acr.MFA,
            max_age=acr.RECENT,
        )
    ),
]
"""Requires an administrator of a unit who has just signed in at the highest level (RFC 9470)."""


Unmasker = Annotated[
    Principal,
    Depends(
        requires(
            scope=SCOPE,
            permission=Permission.MEMBERS_UNMASK,
            acr=acr.MFA,
            max_age=acr.RECENT,
        )
    ),
]
"""Sees complete phone and ID numbers, after signing in at the highest level."""


@router.post(
    "/accounts/{sub}/unmask",
    tags=["账号"],
    summary="查看完整手机号和证件号",
    description="须说明原因并刚以最高级别登录；每次查看都记入审计日志。",
    responses=problems.responses(*REFUSED, AccountNotFound),
)
async def unmask_account(
    sub: UUID,
    why: ReasonIn,
    admin: Unmasker,
    memberships: MembershipService,
    accounts: AccountService,
) -> UnmaskedOut:
    """Return complete numbers of a person of the caller's subtree. Recorded in the audit log."""
    account = (await memberships.in_reach(admin, sub)).account
    phone, id_number = accounts.unmask(admin, account, why.reason)
    return UnmaskedOut(sub=account.id, phone=phone, id_number=id_number)


@router.get(
    "/accounts/{sub}",
    tags=["账号"],
    summary="查看账号",
    description="管辖范围内的人员；安全管理员可以查看任何人员。",
    responses=problems.responses(*REFUSED, AccountNotFound),
)
async def get_account(
    sub: UUID, reader: AccountReader, memberships: MembershipService, entitlements: EntitlementService
) -> MemberOut:
    """Return a person of the caller's subtree; a security administrator sees everybody."""
    profile = await memberships.seen(reader, sub)
    return MemberOut.from_profile(profile, await entitlements.names(sub))


@router.post(
    "/accounts/{sub}/suspend",
    tags=["账号"],
    summary="停用账号",
    description="各系统在一秒内拒绝此人的令牌。",
    responses=problems.responses(*REFUSED, NotYourself, AccountNotFound, AccountNotActive, LastAdministrator),
)
async def suspend_account(
    sub: UUID,
    why: ReasonIn,
    admin: AccountManager,
    suspensions: SuspensionService,
    entitlements: EntitlementService,
) -> MemberOut:
    """Suspend an account. Every system rejects the person's tokens within a second."""
    profile = await suspensions.suspend(admin, sub, why.reason)
    return MemberOut.from_profile(profile, await entitlements.names(sub))


@router.post(
    "/accounts/{sub}/restore",
    tags=["账号"],
    summary="恢复账号",
    description="此人可以重新登录；已结束的会话不恢复。",
    responses=problems.responses(*REFUSED, NotYourself, SuspendedAbove, AccountNotFound, AccountNotSuspended),
)
async def restore_account(
    sub: UUID,
    why: ReasonIn,
    admin: AccountManager,
    suspensions: SuspensionService,
    entitlements: EntitlementService,
) -> MemberOut:
    """Restore an account. The person can sign in again; ended sessions stay ended."""
    profile = await suspensions.restore(admin, sub, why.reason)
    return MemberOut.from_profile(profile, await entitlements.names(sub))


@router.get(
    "/snapshot/people",
    tags=["副本"],
    summary="全部人员（供其他服务重建副本）",
    description="内容与事件 `person.changed` 相同，按标识排列。",
    responses=problems.responses(InsufficientScope),
)
async def snapshot_people(
    _: DirectoryReader, paging: Paging, memberships: MembershipService
) -> Page[PersonChangedV1]:
    """Return the state of all people, as in the event `person.changed`, by id."""
    rows = await memberships.snapshot(paging.key(UUID), paging.limit)
    return page(rows, paging.limit, lambda person: [person.sub])


@router.get(
    "/accounts/{sub}/sessions",
    tags=["登录会话"],
    summary="某人的登录会话",
    description="尚未结束的会话，从新到旧。",
    responses=problems.responses(*REFUSED, AccountNotFound),
)
async def list_sessions(
    sub: UUID, admin: AccountManager, memberships: MembershipService, sessions: SessionService
) -> list[SessionOut]:
    """Return live sessions, latest first."""
    await memberships.in_reach(admin, sub)
    rows = await sessions.live(sub)
    return [
        SessionOut(
            sid=row.id,
            authenticated_at=row.authenticated_at,
            last_seen_at=row.last_seen_at,
            acr=row.acr,
            amr=row.amr,
            device=row.device,
            address_masked=row.address_masked,
            place=row.place,
        )
        for row in rows
    ]


@router.delete(
    "/accounts/{sub}/sessions",
    tags=["登录会话"],
    status_code=204,
    summary="结束某人的所有登录会话",
    description="所有会话结束，各系统拒绝其令牌。",
    responses=problems.responses(*REFUSED, AccountNotFound),
)
async def end_sessions(
    sub: UUID, admin: AccountManager, memberships: MembershipService, sessions: SessionService
) -> None:
    """End all sessions of a person and revoke their tokens."""
    await memberships.in_reach(admin, sub)
    await sessions.end_all(sub, "ended by an administrator", actor=admin.sub)


@router.delete(
    "/accounts/{sub}/sessions/{sid}",
    tags=["登录会话"],
    status_code=204,
    summary="结束某人的一个登录会话",
    description="会话的授权和令牌一并撤销，并通知各接入系统。",
    responses=problems.responses(*REFUSED, AccountNotFound, SessionNotFound),
)
async def end_one_session(
    sub: UUID,
    sid: UUID,
    admin: AccountManager,
    memberships: MembershipService,
    sessions: SessionService,
) -> None:
    """End one session: revoke its grants and tokens, and notify its clients."""
    await memberships.in_reach(admin, sub)
    row = await sessions.lock(sid)
    if row is None or row.account_id != sub:
        raise SessionNotFound
    await sessions.end(row, "ended by an administrator", actor=admin.sub)


@router.delete(
    "/accounts/{sub}/authenticators",
    tags=["登录方式"],
    status_code=204,
    summary="重置某人的登录方式",
    responses=problems.responses(
        *REFUSED,
        AccountNotFound,
        NotYourself,
    ),
)
async def reset_authenticators(
    sub: UUID,
    admin: StrongAdmin,
    memberships: MembershipService,
    authenticators: AuthenticatorService,
    sessions: SessionService,
) -> None:
    """密码、动态口令、恢复码和通行密钥全部移除，所有登录结束，本人收到短信。须在 5 分钟内以最高级别登录。"""
    profile = await memberships.in_reach(admin, sub, lock=True)
    await authenticators.reset(profile.account, UUID(admin.sub))
    await sessions.end_all(sub, "authenticators reset by an administrator", actor=admin.sub)
