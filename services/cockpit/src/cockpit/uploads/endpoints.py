"""The API of uploads."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from authkit.errors import PermissionRequired
from cockpit.access.auth import REFUSALS, BatchReader, Contributor
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.intake.errors import EditionsNotCorrected, ParentNotFound, PersonalNumber, UnsupportedMedia
from cockpit.uploads import errors
from cockpit.uploads.dependencies import UploadService
from cockpit.uploads.schemas import UploadIn, UploadOut
from filekit.http import BINARY
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.paging import CountedPage, Paging

UPLOADS = "/api/v1/intake/uploads"
PART_BYTES = 8 * 1024 * 1024
"""The most that one part may have."""

router = APIRouter(prefix=UPLOADS, tags=["数据接入"], responses=problems.responses(*REFUSALS))
_FOUND = (UnitNotReplicated, UnitOutOfReach, errors.UploadNotFound)


@router.post(
    "",
    status_code=201,
    summary="开始分段上传",
    description=(
        "用于大文件：声明数据源、格式和大小，再用 PATCH 依次上传各段（每段不超过 8 MiB），"
        "中断后可从已收到处续传。"
        "可声明整个文件的 SHA-256，每段可带 Content-Digest（RFC 9530），不符的内容不接收。"
        "更正、删除和补报与直接上传相同，用 mode、resubmits 说明。"
        "收齐后由后台任务校验和接收，进度见查询结果。"
        "未收齐的上传 24 小时没有进展、或 7 天仍未收齐即被清除，其他的记录保留 7 天。"
    ),
    responses=problems.responses(
        *(PermissionRequired, UnitNotReplicated, UnitOutOfReach, UnitNotFound, PersonalNumber),
        *(UnsupportedMedia, problems.BodyTooLarge, errors.TooManyUploads, errors.UploadSpaceExhausted),
        *(EditionsNotCorrected, ParentNotFound),
    ),
)
async def create_upload(
    given: UploadIn, response: Response, actor: Contributor, uploads: UploadService
) -> UploadOut:
    """Begin an upload in parts."""
    row = await uploads.create(actor, given)
    response.headers["Location"] = f"{UPLOADS}/{row.id}"
    response.headers["Upload-Offset"] = "0"
    return UploadOut.of(row)


@router.get(
    "",
    summary="分段上传列表",
    description="本单位及下级的上传，从新到旧。",
    responses=problems.responses(UnitNotReplicated),
)
async def list_uploads(actor: BatchReader, uploads: UploadService, paging: Paging) -> CountedPage[UploadOut]:
    """Return the uploads of the caller's subtree, newest first."""
    return (await uploads.below(actor, paging)).page(UploadOut.of)


@router.get(
    "/{upload_id}",
    summary="分段上传的进度",
    description="已收到的字节数、校验的行数，以及形成的批次或失败的原因。",
    responses=problems.responses(*_FOUND),
)
async def get_upload(
    upload_id: UUID, response: Response, actor: BatchReader, uploads: UploadService
) -> UploadOut:
    """Return an upload and how far it has come."""
    row, job = await uploads.get(actor, upload_id)
    response.headers["Upload-Offset"] = str(row.received)
    return UploadOut.of(row, job)


@router.patch(
    "/{upload_id}",
    summary="上传一段",
    description=(
        "请求体是文件的一段，从 Upload-Offset 开始；起点与已收到的长度不符时返回 409，并说明应从何处续传。"
    ),
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": BINARY}}},
    responses=problems.responses(
        *(PermissionRequired, *_FOUND, problems.BodyTooLarge),
        *(errors.UploadEnded, errors.UploadOffsetMismatch, errors.UploadTooLong, errors.ChecksumMismatch),
    ),
)
async def append_upload(
    upload_id: UUID,
    request: Request,
    response: Response,
    actor: Contributor,
    uploads: UploadService,
    offset: Annotated[int, Header(alias="Upload-Offset", ge=0, le=2**53, description="这一段的起点（字节）")],
    digest: Annotated[
        str | None,
        Header(
            alias="Content-Digest",
            max_length=200,
            description="这一段的校验和（RFC 9530，sha-256）",
            examples=["sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"],
        ),
    ] = None,
) -> UploadOut:
    """Add a part of the file."""
    row = await uploads.append(actor, upload_id, offset, await request.body(), digest)
    response.headers["Upload-Offset"] = str(row.received)
    return UploadOut.of(row)


@router.post(
    "/{upload_id}/cancel",
    summary="取消分段上传",
    description="删除已收到的内容；已计入的批次不受影响，可用撤回。",
    responses=problems.responses(PermissionRequired, *_FOUND, errors.UploadEnded),
)
async def cancel_upload(upload_id: UUID, actor: Contributor, uploads: UploadService) -> UploadOut:
    """Cancel an upload."""
    return UploadOut.of(await uploads.cancel(actor, upload_id))
