"""The API of widgets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from authkit.actors import REFUSALS
from authkit.errors import PermissionRequired
from authkit.idempotency import Idempotent
from sample.widgets.auth import Handler, Member
from sample.widgets.dependencies import WidgetService
from sample.widgets.errors import BadWidgetTitle, WidgetClosed
from sample.widgets.schemas import WidgetIn, WidgetOut
from servicekit.idempotency import IdempotencyKeyReused
from servicekit.paging import BadCursor, Page, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/widgets", tags=["样例"])

WidgetId = Annotated[UUID, Path(description="样例的标识")]


@router.post(
    "",
    summary="新建样例",
    status_code=201,
    response_model=WidgetOut,
    responses=responses(*REFUSALS, PermissionRequired, BadWidgetTitle, IdempotencyKeyReused),
)
async def create_widget(
    actor: Handler, body: WidgetIn, widgets: WidgetService, idempotency: Idempotent
) -> JSONResponse:
    """经办人、单位管理员可以为本单位新建。"""
    widget = await widgets.create(actor, body.title)
    headers = {"Location": f"{router.prefix}/{widget.id}"}
    return await idempotency.keep(WidgetOut.model_validate(widget), headers=headers)


@router.get("", summary="列出样例", responses=responses(*REFUSALS, BadCursor))
async def list_widgets(actor: Member, widgets: WidgetService, paging: Paging) -> Page[WidgetOut]:
    """本单位及下级单位的，从新到旧。"""
    found = await widgets.list(actor, paging)
    return Page(items=[WidgetOut.model_validate(widget) for widget in found.items], next=found.next)


@router.get("/{widget_id}", summary="查看样例", responses=responses(*REFUSALS, NotFound))
async def get_widget(widget_id: WidgetId, actor: Member, widgets: WidgetService) -> WidgetOut:
    """本单位或下级单位的。"""
    return WidgetOut.model_validate(await widgets.get(actor, widget_id))


@router.post(
    "/{widget_id}/close",
    summary="关闭样例",
    responses=responses(*REFUSALS, PermissionRequired, NotFound, WidgetClosed),
)
async def close_widget(widget_id: WidgetId, actor: Handler, widgets: WidgetService) -> WidgetOut:
    """经办人、单位管理员可以关闭本单位的；关闭后不能再修改。"""
    return WidgetOut.model_validate(await widgets.close(actor, widget_id))
