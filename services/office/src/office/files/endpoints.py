"""Endpoints of files."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from authkit.errors import PermissionRequired
from filekit.http import BINARY, UPLOAD_ERRORS, FileScanner, attachment, uploaded
from filekit.sniff import DOCUMENTS
from office.actors import Member
from office.directory.errors import REFUSALS
from office.files import errors
from office.files.auth import FileAuditor
from office.files.dependencies import FileService, FileSettings
from office.files.repository import DownloadFilter
from office.files.rules import EXTENSIONS
from office.files.schemas import DownloadOut, FileOut, FilesOut
from servicekit.instants import Instant
from servicekit.paging import BadCursor, CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1", tags=["文件"])

UPLOADS = f"{router.prefix}/files"
"""Where bodies may be as large as a file."""
JPEG = "image/jpeg"

FileId = Annotated[UUID, Path(description="文件的标识")]
_ANY: dict[str, Any] = dict.fromkeys(sorted(DOCUMENTS), BINARY)
_SEEN = (*REFUSALS, NotFound)
_HEADER = 200


@router.post(
    "/files",
    summary="上传文件",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": _ANY}},
    responses=responses(
        *REFUSALS,
        *UPLOAD_ERRORS,
        errors.EmptyUpload,
        errors.BadFileName,
        errors.UnpackedTooLarge,
        errors.TooManyLooseFiles,
        errors.FilesUnavailable,
    ),
)
async def upload_file(
    request: Request,
    response: Response,
    actor: Member,
    files: FileService,
    scanner: FileScanner,
    settings: FileSettings,
    file_name: Annotated[
        str,
        Query(min_length=1, max_length=255, description="文件名", examples=["培训日程.pdf"]),
    ],
) -> FileOut:
    """请求体就是文件，由内容识别类型：PDF、OFD、docx、xlsx、pptx、文本、PNG、JPEG、GIF。

    24 小时内未作为附件使用的文件会被删除。
    """
    await files.begin(actor)
    async with uploaded(request, scanner, limit=settings.file_limit_bytes, accepted=DOCUMENTS) as received:
        view = await files.upload(actor, received, file_name)
    response.headers["Location"] = f"{UPLOADS}/{view.file.id}"
    return FileOut.of(view)


@router.get("/files", summary="附件列表", responses=responses(*_SEEN))
async def list_files(
    actor: Member,
    files: FileService,
    subject_kind: Annotated[
        str,
        Query(pattern=r"^[a-z_]{1,40}$", description="内容的种类，如 notice（通知）", examples=["notice"]),
    ],
    subject_id: Annotated[UUID, Query(description="内容的标识")],
) -> FilesOut:
    """某项内容（如通知）的附件，按顺序。能查看该内容的人才能查看。"""
    return FilesOut(items=[FileOut.of(view) for view in await files.list(actor, subject_kind, subject_id)])


@router.get("/files/{file_id}", summary="查看文件信息", responses=responses(*_SEEN))
async def get_file(file_id: FileId, actor: Member, files: FileService) -> FileOut:
    """文件名、类型、大小和预览状态。尚未使用的文件只有上传人可见，附件按所附内容的权限可见。"""
    return FileOut.of(await files.get(actor, file_id))


@router.delete(
    "/files/{file_id}",
    summary="删除未使用的文件",
    status_code=204,
    responses=responses(*_SEEN, errors.FileAttached),
)
async def delete_file(file_id: FileId, actor: Member, files: FileService) -> None:
    """只能删除本人上传、尚未作为附件使用的文件。"""
    await files.delete(actor, file_id)


@router.get(
    "/files/{file_id}/content",
    summary="下载文件",
    response_class=StreamingResponse,
    responses={
        200: {"description": "文件内容", "content": _ANY},
        206: {"description": "文件的一部分（Range）", "content": _ANY},
        304: {"description": "内容未变（If-None-Match）"},
        **responses(*_SEEN, errors.RangeNotSatisfiable, errors.FilesUnavailable),
    },
)
async def download_file(
    file_id: FileId,
    actor: Member,
    files: FileService,
    range_: Annotated[
        str | None,
        Header(alias="Range", max_length=_HEADER, description="字节范围", examples=["bytes=0-9"]),
    ] = None,
    if_range: Annotated[
        str | None, Header(alias="If-Range", max_length=_HEADER, description="内容仍为此 ETag 时才只取范围")
    ] = None,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", max_length=_HEADER, description="已有内容的 ETag")
    ] = None,
) -> Response:
    """按所附内容的权限下载，下载留痕。支持断点续传：单个字节范围，If-Range。"""
    content = await files.content(
        actor, file_id, range_=range_, if_range=if_range, if_none_match=if_none_match
    )
    file, span = content.file, content.span
    plain = f"file.{EXTENSIONS[file.media_type][0]}"
    headers = {
        **attachment(file.name, plain=plain),
        # A browser may keep it, but asks each time, so that rights are checked again.
        "Cache-Control": "private, no-cache",
        "ETag": file.etag,
        "Accept-Ranges": "bytes",
    }
    if content.chunks is None:
        return Response(status_code=304, headers=headers)
    headers["Content-Length"] = str(file.size if span is None else span.end - span.first)
    if span is not None:
        headers["Content-Range"] = span.content_range(file.size)
    return StreamingResponse(
        content.chunks, 200 if span is None else 206, media_type=file.media_type, headers=headers
    )


@router.get(
    "/files/{file_id}/preview",
    summary="首页预览",
    response_class=StreamingResponse,
    responses={
        200: {"description": "首页的图片，长边不超过 960 像素", "content": {JPEG: BINARY}},
        **responses(*_SEEN, errors.PreviewNotReady, errors.FilesUnavailable),
    },
)
async def preview_file(file_id: FileId, actor: Member, files: FileService) -> StreamingResponse:
    """图片的缩略图或 PDF 的首页，上传后在后台生成。没有预览的文件返回 404。查看留痕。"""
    headers = {
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return StreamingResponse(await files.preview(actor, file_id), media_type=JPEG, headers=headers)


@router.get(
    "/file-downloads", summary="文件下载记录", responses=responses(*REFUSALS, PermissionRequired, BadCursor)
)
async def list_file_downloads(
    actor: FileAuditor,
    files: FileService,
    paging: Paging,
    file_id: Annotated[UUID | None, Query(description="只列该文件的")] = None,
    by: Annotated[UUID | None, Query(description="只列该人的")] = None,
    since: Annotated[Instant | None, Query(description="起始时间（含）")] = None,
    until: Annotated[Instant | None, Query(description="截止时间（不含）")] = None,
) -> CountedPage[DownloadOut]:
    """本单位文件的下载记录，从新到旧：何人、何时、下载了哪个文件。单位管理员、签发人可以查看。"""
    wanted = DownloadFilter(file_id=file_id, by=by, since=since, until=until)
    return (await files.downloads(actor, paging, wanted)).page(DownloadOut.of)
