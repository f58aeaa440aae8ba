"""REST API of the platform's administrators (三员)."""

from fastapi import APIRouter

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, PermissionRequired
from identity.dependencies import ServiceSettings
from identity.platform.auth import PlatformAdmin, SettingsReader
from identity.platform.dependencies import PlatformService
from identity.platform.schemas import PlatformAdminOut, SettingOut
from identity.platform.shown import shown
from servicekit import problems

router = APIRouter(
    prefix="/api/v1/platform",
    tags=["平台三员"],
    responses=problems.responses(*REFUSALS, InsufficientScope, PermissionRequired),
)


@router.get("/administrators", summary="平台管理员", description="系统、安全、审计管理员的名单。")
async def list_platform_admins(_: PlatformAdmin, platform: PlatformService) -> list[PlatformAdminOut]:
    """Return the administrators of the platform."""
    rows = await platform.administrators()
    names = await platform.names({one for row, _ in rows for one in (row.proposed_by, row.confirmed_by)})
    return [PlatformAdminOut.of(row, account, names) for row, account in rows]


@router.get(
    "/settings",
    summary="平台设置",
    description="系统管理员查看当前设置；由运维人员修改。不含密钥和其他系统的地址。",
)
async def list_platform_settings(_: SettingsReader, settings: ServiceSettings) -> list[SettingOut]:
    """Return the settings of the platform, without secrets."""
    return [SettingOut(name=name, description=words, value=value) for name, words, value in shown(settings)]
