"""The API of templates."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from authkit.errors import PermissionRequired
from contracts.documents import NoticeKind
from office.directory.errors import REFUSALS
from office.templates import errors
from office.templates.auth import TemplateUser, TemplateWriter
from office.templates.dependencies import TemplateService
from office.templates.repository import TemplateFilter
from office.templates.schemas import (
    FilledOut,
    FillIn,
    TemplateIn,
    TemplateOut,
    TemplateSummary,
    TemplateVersionOut,
    TemplateVersionsOut,
)
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.paging import CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notice-templates", tags=["通知模板"])

_IN_ROLE = (*REFUSALS, PermissionRequired)
_WRITING = (errors.ClassifiedTemplateRefused, errors.TemplateTooDeep, errors.TemplateNameTaken)
TemplateId = Annotated[UUID, Path(description="模板的标识")]


@router.post(
    "",
    summary="新建模板",
    status_code=201,
    responses=responses(*_IN_ROLE, *_WRITING),
)
async def create_template(
    actor: TemplateWriter, body: TemplateIn, templates: TemplateService, response: Response
) -> TemplateOut:
    """签发人、单位管理员可以新建；可以供下级单位使用。"""
    view = await templates.create(actor, body.content())
    response.headers["ETag"] = etag(view.template.version)
    response.headers["Location"] = f"{router.prefix}/{view.template.id}"
    return TemplateOut.of_view(view)


@router.get("", summary="可用的模板", responses=responses(*_IN_ROLE))
async def list_templates(
    actor: TemplateUser,
    templates: TemplateService,
    paging: Paging,
    kind: Annotated[NoticeKind | None, Query(description="只列该文种的")] = None,
    own: Annotated[bool | None, Query(description="只列本单位（true）或上级单位（false）的")] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="名称、标题或正文中的文字",
            examples=["会议"],
        ),
    ] = None,
) -> CountedPage[TemplateSummary]:
    """本单位的模板，以及上级单位供下级使用的模板；新建的在前。"""
    wanted = TemplateFilter(kind=kind, own=own, words=q)
    return (await templates.list(actor, paging, wanted)).page(TemplateSummary.of)


@router.get("/{template_id}", summary="查看模板", responses=responses(*_IN_ROLE, NotFound))
async def get_template(
    template_id: TemplateId, actor: TemplateUser, templates: TemplateService, response: Response
) -> TemplateOut:
    """连同需要填写的变量。"""
    view = await templates.get(actor, template_id)
    response.headers["ETag"] = etag(view.template.version)
    return TemplateOut.of_view(view)


@router.put(
    "/{template_id}",
    summary="修改模板",
    responses=responses(*_IN_ROLE, NotFound, *_WRITING, VersionChanged, PreconditionRequired),
)
async def change_template(
    template_id: TemplateId,
    actor: TemplateWriter,
    body: TemplateIn,
    templates: TemplateService,
    response: Response,
    seen: RequiredIfMatch,
) -> TemplateOut:
    """整篇替换本单位的模板，原内容保留为旧版本；已按旧版本起草的通知不受影响。If-Match 必填。"""
    view = await templates.change(actor, template_id, body.content(), seen)
    response.headers["ETag"] = etag(view.template.version)
    return TemplateOut.of_view(view)


@router.delete(
    "/{template_id}",
    summary="停用模板",
    status_code=204,
    responses=responses(*_IN_ROLE, NotFound),
)
async def retire_template(template_id: TemplateId, actor: TemplateWriter, templates: TemplateService) -> None:
    """停用本单位的模板，不再列出；已按其起草的通知不受影响。"""
    await templates.retire(actor, template_id)


@router.get("/{template_id}/versions", summary="模板的各个版本", responses=responses(*_IN_ROLE, NotFound))
async def list_template_versions(
    template_id: TemplateId, actor: TemplateUser, templates: TemplateService
) -> TemplateVersionsOut:
    """从新到旧。"""
    versions, names = await templates.versions(actor, template_id)
    return TemplateVersionsOut(items=[TemplateVersionOut.of(*one, names) for one in versions])


@router.post(
    "/{template_id}/fill",
    summary="按模板生成草稿内容",
    responses=responses(*_IN_ROLE, NotFound),
)
async def fill_template(
    template_id: TemplateId, actor: TemplateUser, body: FillIn, templates: TemplateService
) -> FilledOut:
    """填写变量，返回标题、正文等，供起草通知时使用；不保存。未填写的变量原样保留，送审和签发时会提示。"""
    return FilledOut.of(await templates.fill(actor, template_id, body.values))
