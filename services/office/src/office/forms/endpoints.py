"""The API of forms."""

from uuid import UUID

from fastapi import APIRouter, Response

from authkit.errors import PermissionRequired
from office.actors import Member
from office.directory.errors import REFUSALS
from office.forms.dependencies import FormService
from office.forms.errors import FormNotForAnnouncements, NoForm
from office.forms.schemas import FormIn, FormOut
from office.notices.auth import Drafter, Officer
from office.notices.errors import NOT_CIRCULATING, ClassifiedDocumentRefused, NotDraft
from servicekit.etags import IfMatch, VersionChanged, etag
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices/{notice_id}/form", tags=["通知答复"])

_LOCKING = responses(*REFUSALS, PermissionRequired, *NOT_CIRCULATING, NoForm)


@router.get("", summary="查看答复表单", responses=responses(*REFUSALS, NotFound, NoForm))
async def get_form(notice_id: UUID, actor: Member, forms: FormService, response: Response) -> FormOut:
    """发文单位和已收到通知的单位可以查看。"""
    form = await forms.get(actor, notice_id)
    response.headers["ETag"] = etag(form.version)
    return FormOut.of(form)


@router.put(
    "",
    summary="设置答复表单",
    responses=responses(
        *REFUSALS,
        PermissionRequired,
        NotFound,
        NotDraft,
        VersionChanged,
        FormNotForAnnouncements,
        ClassifiedDocumentRefused,
    ),
)
async def put_form(
    notice_id: UUID, actor: Drafter, body: FormIn, forms: FormService, seen: IfMatch, response: Response
) -> FormOut:
    """只能在起草时设置，整体替换；送审后不能修改。带 If-Match 时，表单已被他人修改则不覆盖。"""
    form = await forms.put(actor, notice_id, body, seen)
    response.headers["ETag"] = etag(form.version)
    return FormOut.of(form)


@router.delete(
    "",
    summary="删除答复表单",
    status_code=204,
    responses=responses(*REFUSALS, PermissionRequired, NotFound, NotDraft, VersionChanged),
)
async def delete_form(notice_id: UUID, actor: Drafter, forms: FormService, seen: IfMatch) -> None:
    """只能在起草时删除；没有表单的也返回成功。带 If-Match 时，表单已被他人修改则不删除。"""
    await forms.delete(actor, notice_id, seen)


@router.post("/lock", summary="停止收集答复", responses=_LOCKING)
async def lock_form(notice_id: UUID, actor: Officer, forms: FormService) -> FormOut:
    """发文单位停止收集后，各单位不能再提交或修改答复。"""
    return FormOut.of(await forms.set_locked(actor, notice_id, locked=True))


@router.post("/unlock", summary="恢复收集答复", responses=_LOCKING)
async def unlock_form(notice_id: UUID, actor: Officer, forms: FormService) -> FormOut:
    """恢复后，未提交的单位可以提交，期限之内的可以修改。"""
    return FormOut.of(await forms.set_locked(actor, notice_id, locked=False))
