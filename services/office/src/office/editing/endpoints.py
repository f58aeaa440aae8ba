"""The API of editing a draft."""

from uuid import UUID

from fastapi import APIRouter, Response

from authkit.errors import PermissionRequired
from office.directory.errors import REFUSALS
from office.editing.dependencies import EditingService
from office.editing.schemas import EditorsOut
from office.notices.auth import Drafter
from office.notices.errors import CHANGING, WRITING, NotDraft, RevisionNotFound
from office.notices.schemas import DraftIn, OwnNoticeOut, RevisionNumber
from servicekit.etags import RequiredIfMatch, etag
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])

_IN_ROLE = (*REFUSALS, PermissionRequired)


@router.put(
    "/{notice_id}",
    summary="修改草稿",
    responses=responses(*_IN_ROLE, *WRITING, *CHANGING),
)
async def edit_notice(
    notice_id: UUID,
    actor: Drafter,
    body: DraftIn,
    editing: EditingService,
    response: Response,
    seen: RequiredIfMatch,
) -> OwnNoticeOut:
    """整篇替换，也用于自动保存；If-Match 必填。

    草稿在所见版本之后被他人修改时返回 412，`changed` 说明何人何时修改、现为哪一版：重新读取草稿，与自己的文字
    对照后，以新版本再次保存；被替换的文字可在修订版本中找回。
    保存即表示正在编辑，同时编辑的人会收到 `editing` 事件。
    """
    own = await editing.save(actor, notice_id, body.content(), body.secrecy, seen)
    response.headers["ETag"] = etag(own.notice.version)
    return OwnNoticeOut.of_own(own)


@router.post(
    "/{notice_id}/revisions/{version}/restore",
    summary="恢复修订版本",
    responses=responses(*_IN_ROLE, *WRITING, RevisionNotFound, *CHANGING),
)
async def restore_notice_revision(
    notice_id: UUID,
    version: RevisionNumber,
    actor: Drafter,
    editing: EditingService,
    response: Response,
    seen: RequiredIfMatch,
) -> OwnNoticeOut:
    """以该版本的内容替换草稿；现有内容仍保留为一个修订版本。If-Match 必填。"""
    own = await editing.restore(actor, notice_id, version, seen)
    response.headers["ETag"] = etag(own.notice.version)
    return OwnNoticeOut.of_own(own)


@router.post(
    "/{notice_id}/editing",
    summary="表明正在编辑草稿",
    responses=responses(*_IN_ROLE, NotFound, NotDraft),
)
async def join_editing(notice_id: UUID, actor: Drafter, editing: EditingService) -> EditorsOut:
    """打开草稿时调用，此后每 20 秒一次；60 秒没有动作即视为已离开。返回还有谁在编辑。

    有人加入、离开或保存时，同时编辑的人的事件流收到 `editing`。
    """
    return EditorsOut.of(await editing.join(actor, notice_id))


@router.delete(
    "/{notice_id}/editing",
    summary="结束编辑草稿",
    status_code=204,
    responses=responses(*_IN_ROLE, NotFound, NotDraft),
)
async def leave_editing(notice_id: UUID, actor: Drafter, editing: EditingService) -> None:
    """关闭草稿时调用。草稿不会锁定，也不会丢失。"""
    await editing.leave(actor, notice_id)
