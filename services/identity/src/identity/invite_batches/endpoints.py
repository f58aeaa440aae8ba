"""REST API of invitations by a table."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from authkit.dependencies import REFUSALS
from contracts.vocabulary import InviteBatchStatus, InviteResult
from filekit.http import BINARY, TABLE_BODY, UPLOAD_ERRORS, FileScanner, attachment, uploaded
from filekit.sniff import XLSX
from filekit.spool import temporary_file
from filekit.threads import ParsingThreads
from filekit.xlsx_writer import Column, SheetWriter
from identity.directory.dependencies import DirectoryService
from identity.invite_batches import errors, rules
from identity.invite_batches.dependencies import InviteBatchService
from identity.invite_batches.reading import people_of
from identity.invite_batches.schemas import InviteBatchOut, InviteRowOut
from identity.memberships.auth import REFUSED, Admitter
from identity.memberships.schemas import NamePart
from identity.units.errors import UnitClosed, UnitNotFound
from servicekit import problems
from servicekit.lists import AgeSort
from servicekit.paging import CountedPage, Paging

UPLOADS = "/api/v1/invite-batches"
"""Below this path the larger body limit holds."""

router = APIRouter(prefix="/api/v1", tags=["批量邀请"], responses=problems.responses(*REFUSALS))
_ONE = (*REFUSED, errors.BatchNotFound)
_threads = ParsingThreads()


@router.post(
    "/invite-batches",
    status_code=201,
    summary="上传邀请名单",
    description=(
        "请求体就是文件：Excel 工作簿（.xlsx）或 CSV，列为手机号、姓名、角色、职务，最多 5000 行。"
        "只校验，不发送；确认后再发送。"
    ),
    openapi_extra=TABLE_BODY,
    responses=problems.responses(
        *REFUSED,
        UnitNotFound,
        UnitClosed,
        errors.TableUnreadable,
        errors.TooManyRows,
        *UPLOAD_ERRORS,
    ),
)
async def upload_invites(
    request: Request,
    admin: Admitter,
    batches: InviteBatchService,
    scanner: FileScanner,
    directory: DirectoryService,
    unit_id: Annotated[UUID, Query(description="邀请加入的单位")],
    file_name: Annotated[
        str,
        Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", description="文件名"),
    ],
    response: Response,
) -> InviteBatchOut:
    """Receive a table of people and judge each row."""
    async with uploaded(request, scanner, limit=rules.MOST_BYTES) as file:
        people = await _threads.run(people_of, file.file, file.media_type)
    made = await directory.named(InviteBatchOut.of(await batches.upload(admin, unit_id, people, file_name)))
    response.headers["Location"] = f"{UPLOADS}/{made.id}"
    return made


@router.get(
    "/units/{unit_id}/invite-batches",
    summary="单位的批量邀请",
    description="默认从新到旧；保留 30 天。",
    responses=problems.responses(*REFUSED, UnitNotFound),
)
async def list_invite_batches(
    unit_id: UUID,
    admin: Admitter,
    batches: InviteBatchService,
    directory: DirectoryService,
    paging: Paging,
    status: Annotated[InviteBatchStatus | None, Query(description="状态")] = None,
    sort: Annotated[AgeSort, Query(description="排列")] = AgeSort.NEWEST,
) -> CountedPage[InviteBatchOut]:
    """Return the batches of a unit."""
    found = await batches.of_unit(admin, unit_id, status, sort, paging)
    return await directory.named_page(found.page(InviteBatchOut.of))


@router.get(
    "/invite-batches/{batch_id}",
    summary="查看批量邀请",
    description="状态和各类行数。",
    responses=problems.responses(*_ONE),
)
async def get_invite_batch(
    batch_id: UUID, admin: Admitter, batches: InviteBatchService, directory: DirectoryService
) -> InviteBatchOut:
    """Return a batch with its progress."""
    return await directory.named(InviteBatchOut.of(await batches.get(admin, batch_id)))


@router.get(
    "/invite-batches/{batch_id}/rows",
    summary="批量邀请的各行",
    description="按文件中的顺序；有错误的行列出全部错误。",
    responses=problems.responses(*_ONE),
)
async def list_invite_rows(
    batch_id: UUID,
    admin: Admitter,
    batches: InviteBatchService,
    paging: Paging,
    result: Annotated[InviteResult | None, Query(description="结果")] = None,
    q: Annotated[NamePart | None, Query(description="姓名包含")] = None,
) -> CountedPage[InviteRowOut]:
    """Return rows in the order of the file."""
    return (await batches.rows(admin, batch_id, result, q, paging)).page(InviteRowOut.of)


@router.get(
    "/invite-batches/{batch_id}/failed-rows",
    summary="下载失败的行",
    description="有错误和未发送的行，各附全部原因；改正后可以直接上传。",
    response_class=Response,
    responses={
        200: {"description": "工作簿", "content": {XLSX: BINARY}},
        **problems.responses(*_ONE),
    },
)
async def download_failed_invites(batch_id: UUID, admin: Admitter, batches: InviteBatchService) -> Response:
    """Return a workbook of the rows that are wrong or were refused."""
    rows = await batches.failed(admin, batch_id)
    headers = attachment("失败的行.xlsx", plain="failed-rows.xlsx")
    return Response(await asyncio.to_thread(_workbook, rows), media_type=XLSX, headers=headers)


@router.post(
    "/invite-batches/{batch_id}/send",
    status_code=202,
    summary="发送邀请",
    description=(
        "向没有错误的各行发送短信邀请码，每个邀请码只限该号码使用一次，30 天内有效。"
        "超出单位或全国当日限额的各行暂不发送，次日再次调用即继续发送。"
    ),
    responses=problems.responses(*_ONE, errors.BatchNotReady, errors.NobodyToInvite),
)
async def send_invites(
    batch_id: UUID,
    admin: Admitter,
    batches: InviteBatchService,
    directory: DirectoryService,
    response: Response,
) -> InviteBatchOut:
    """Invite the people of all rows without errors, in the background."""
    response.headers["Location"] = f"{UPLOADS}/{batch_id}"
    return await directory.named(InviteBatchOut.of(await batches.send(admin, batch_id)))


@router.post(
    "/invite-batches/{batch_id}/cancel",
    summary="取消批量邀请",
    description="已发送的邀请码仍然有效，其余不再发送。",
    responses=problems.responses(*_ONE, errors.BatchNotReady),
)
async def cancel_invites(
    batch_id: UUID, admin: Admitter, batches: InviteBatchService, directory: DirectoryService
) -> InviteBatchOut:
    """Stop sending."""
    return await directory.named(InviteBatchOut.of(await batches.cancel(admin, batch_id)))


def _workbook(rows: Sequence[Sequence[str]]) -> bytes:
    columns = [Column(name, 60 if name == rules.REASON else 18) for name in (*rules.HEADINGS, rules.REASON)]
    with temporary_file() as file:
        writer = SheetWriter(file, "失败的行", columns)
        writer.write(rows)
        writer.close()
        file.seek(0)
        return file.read()
