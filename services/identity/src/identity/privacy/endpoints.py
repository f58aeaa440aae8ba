"""REST API of exporting one's data and closing one's account."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from authkit.acr import RECENT
from authkit.dependencies import REFUSALS, requires
from authkit.errors import InsufficientScope, InsufficientUserAuthentication
from authkit.principal import Principal
from identity.privacy import errors
from identity.privacy.dependencies import PrivacyService, WithdrawalService
from identity.privacy.schemas import ClosingOut, DataExportOut
from identity.units.auth import SCOPE, Person
from servicekit import problems

router = APIRouter(
    prefix="/api/v1", tags=["我的账号"], responses=problems.responses(*REFUSALS, InsufficientScope)
)
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {}}, "description": "压缩文件"}
}
JustSignedIn = Annotated[Principal, Depends(requires(scope=SCOPE, membership=False, max_age=RECENT))]
"""Any person who has signed in within five minutes (RFC 9470)."""


@router.post(
    "/me/agreements/withdraw",
    status_code=204,
    summary="撤回同意",
    description="撤回对《隐私政策》和《使用条款》的同意（《个人信息保护法》第十五条）。所有登录随即结束；"
    "下次登录时须重新同意才能继续，不同意的仍可以导出个人信息或注销账号。",
)
async def withdraw_agreement(person: Person, withdrawal: WithdrawalService) -> None:
    """Withdraw the caller's agreement to the documents. All sessions end."""
    await withdrawal.withdraw(UUID(person.sub))


@router.post(
    "/me/exports",
    status_code=202,
    summary="导出我的个人信息",
    description="生成含 HTML 和 JSON 的压缩文件（《个人信息保护法》第四十五条）；24 小时一次，保存 7 天。",
    responses=problems.responses(errors.ExportTooSoon),
)
async def export_my_data(person: Person, privacy: PrivacyService, response: Response) -> DataExportOut:
    """Have a copy of the caller's data made."""
    response.headers["Location"] = "/api/v1/me/exports"
    return DataExportOut.of(await privacy.request_export(UUID(person.sub)))


@router.get("/me/exports", summary="我的导出文件", description="最近 7 天的导出，从新到旧。")
async def my_exports(person: Person, privacy: PrivacyService) -> list[DataExportOut]:
    """Return the caller's exports, latest first."""
    return [DataExportOut.of(row) for row in await privacy.exports(UUID(person.sub))]


@router.get(
    "/me/exports/{export_id}/file",
    summary="下载导出文件",
    description="须在 5 分钟内登录过；下载留有记录。",
    response_class=Response,
    responses=_FILE
    | problems.responses(errors.ExportNotFound, errors.ExportNotReady, InsufficientUserAuthentication),
)
async def download_export(export_id: UUID, person: JustSignedIn, privacy: PrivacyService) -> Response:
    """Return the file of an export."""
    file = await privacy.download(UUID(person.sub), export_id)
    headers = {
        "Content-Disposition": 'attachment; filename="personal-data.zip"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file, media_type="application/zip", headers=headers)


@router.post(
    "/me/closing",
    status_code=201,
    summary="申请注销账号",
    description="须已离开所有单位并完成工作交接；满 15 天后注销并删除个人信息，其间可以取消"
    "（《个人信息保护法》第四十七条）。须在 5 分钟内登录过。",
    responses=problems.responses(
        errors.StillMember,
        errors.HandOverOpen,
        errors.PlatformRoleHeld,
        errors.ClosingPending,
        InsufficientUserAuthentication,
    ),
)
async def close_my_account(person: JustSignedIn, privacy: PrivacyService, response: Response) -> ClosingOut:
    """Ask for the end of the caller's account in 15 days."""
    response.headers["Location"] = "/api/v1/me/closing"
    return ClosingOut.model_validate(await privacy.request_closing(UUID(person.sub)))


@router.get(
    "/me/closing",
    summary="我的注销申请",
    description="待生效的注销申请。",
    responses=problems.responses(errors.ClosingNotFound),
)
async def my_closing(person: Person, privacy: PrivacyService) -> ClosingOut:
    """Return the caller's open request to close the account."""
    return ClosingOut.model_validate(await privacy.closing(UUID(person.sub)))


@router.delete(
    "/me/closing",
    status_code=204,
    summary="取消注销申请",
    description="账号可以继续使用。",
    responses=problems.responses(errors.ClosingNotFound),
)
async def keep_my_account(person: Person, privacy: PrivacyService) -> Response:
    """Keep the caller's account."""
    await privacy.cancel_closing(UUID(person.sub))
    return Response(status_code=204)
