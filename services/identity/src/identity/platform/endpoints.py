"""REST API of the platform's administrators (三员)."""

from uuid import UUID

from fastapi import APIRouter

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, PermissionRequired
from identity.accounts.errors import AccountNotFound, AccountSuspended
from identity.dependencies import ServiceSettings
from identity.platform import errors
from identity.platform.auth import PlatformAdmin, SecurityAdmin, SettingsReader
from identity.platform.dependencies import PlatformService
from identity.platform.schemas import PlatformAdminOut, ProposalIn, ProposalOut, SettingOut
from identity.platform.shown import shown
from servicekit import problems
from servicekit.paging import Page, Paging, page

router = APIRouter(
    prefix="/api/v1/platform",
    tags=["平台三员"],
    responses=problems.responses(*REFUSALS, InsufficientScope, PermissionRequired),
)


@router.get("/administrators", summary="平台管理员", description="系统、安全、审计管理员的名单。")
async def list_platform_admins(_: PlatformAdmin, platform: PlatformService) -> list[PlatformAdminOut]:
    """Return the administrators of the platform."""
    return [PlatformAdminOut.of(*row) for row in await platform.administrators()]


@router.get(
    "/settings",
    summary="平台设置",
    description="系统管理员查看当前设置；由运维人员修改。不含密钥和其他系统的地址。",
)
async def list_platform_settings(_: SettingsReader, settings: ServiceSettings) -> list[SettingOut]:
    """Return the settings of the platform, without secrets."""
    return [SettingOut(name=name, description=words, value=value) for name, words, value in shown(settings)]


@router.get("/proposals", summary="任免提议", description="从新到旧。")
async def list_proposals(_: PlatformAdmin, platform: PlatformService, paging: Paging) -> Page[ProposalOut]:
    """Return proposals, latest first."""
    after = paging.key(UUID)
    rows = await platform.proposals(None if after is None else after[0], paging.limit)
    return page([ProposalOut.of(row) for row in rows], paging.limit, lambda one: [one.id])


@router.post(
    "/proposals",
    status_code=201,
    summary="提议任免平台管理员",
    description="由安全管理员提议，另一类平台管理员确认后生效。三员不得兼任。",
    responses=problems.responses(
        errors.SecondPersonRequired,
        AccountNotFound,
        AccountSuspended,
        errors.HasPlatformRole,
        errors.NoPlatformRole,
        errors.ProposalPending,
    ),
)
async def propose_admin(new: ProposalIn, admin: SecurityAdmin, platform: PlatformService) -> ProposalOut:
    """Propose to appoint or dismiss an administrator of the platform."""
    return ProposalOut.of(await platform.propose(admin, new.sub, new.role, new.reason))


_DECIDE = (
    errors.ProposalNotFound,
    errors.ProposalDecided,
    errors.SecondPersonRequired,
)


@router.post(
    "/proposals/{proposal_id}/confirm",
    summary="确认任免",
    description="须由提议人以外、与提议人不同类的平台管理员确认。",
    responses=problems.responses(
        *_DECIDE, errors.HasPlatformRole, errors.NoPlatformRole, errors.LastOfItsKind, AccountSuspended
    ),
)
async def confirm_proposal(proposal_id: UUID, admin: PlatformAdmin, platform: PlatformService) -> ProposalOut:
    """Carry a proposal out, as a second person."""
    return ProposalOut.of(await platform.confirm(admin, proposal_id))


@router.post(
    "/proposals/{proposal_id}/refuse",
    summary="否决任免",
    description="任一平台管理员可以否决，提议人可以收回；不能对本人操作。",
    responses=problems.responses(*_DECIDE),
)
async def refuse_proposal(proposal_id: UUID, admin: PlatformAdmin, platform: PlatformService) -> ProposalOut:
    """Refuse a proposal."""
    return ProposalOut.of(await platform.refuse(admin, proposal_id))
