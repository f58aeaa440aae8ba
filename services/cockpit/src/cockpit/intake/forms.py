"""Files as forms (multipart/form-data), for programs and pages that send no other bodies."""

from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cockpit.access.auth import REFUSALS, Contributor
from cockpit.feeds.declarations import FeedName
from cockpit.intake.answers import BATCH_ERRORS, FILE_ERRORS, Key, answered
from cockpit.intake.claiming import NewBatch
from cockpit.intake.dependencies import ContributionService
from cockpit.intake.endpoints import OF_PEOPLE, UPLOADS
from cockpit.intake.errors import UnsupportedMedia
from cockpit.intake.files import kind_of_file
from cockpit.intake.schemas import NAMED, BatchOut, CheckOut
from contracts.intake import BatchMode
from filekit.errors import MalformedForm, NotAForm
from filekit.forms import FileForm, file_form
from servicekit import problems

router = APIRouter(prefix="/api/v1/intake", tags=["数据接入"], responses=problems.responses(*REFUSALS))
F = TypeVar("F", bound=BaseModel)
_ORDER = "各字段在前，名为 `file` 的文件是最后一部分，边收边存，不占内存；"


class CheckForm(BaseModel):
    """The fields of a form for a dry run."""

    model_config = ConfigDict(extra="forbid")

    feed: FeedName = Field(description="数据源")
    source: str = Field(default="试校验", min_length=1, max_length=200, pattern=NAMED, description="数据来源")
    unit: UUID | None = Field(default=None, description="数据所属单位，默认为本单位")
    mode: BatchMode = Field(default=BatchMode.NEW, description="新增、更正或删除记录")


class BatchForm(CheckForm):
    """The fields of a form for a batch."""

    source: str = Field(min_length=1, max_length=200, pattern=NAMED, description="数据来源")
    batch_id: UUID | None = Field(
        default=None,
        description="批次号，由上传方给定，在单位内唯一；batch_id 与 Idempotency-Key 至少给定一个",
    )
    resubmits: UUID | None = Field(default=None, description="补报哪一批次的隔离行；同一单位、同一数据源")


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    schema["properties"]["file"] = {"type": "string", "format": "binary", "description": "文件，最后一部分"}
    schema["required"] = [*schema.get("required", ()), "file"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


_FORM_ERRORS = (NotAForm, MalformedForm, problems.Unprocessable)


@router.post(
    "/batches/form",
    status_code=201,
    summary="以表单上传一批数据",
    description=(
        f"与“上传一批数据”相同，参数和文件在 `multipart/form-data` 表单中。{_ORDER}"
        "格式由文件部分的 Content-Type 说明，未说明或不认识时由文件名的扩展名判断。"
    ),
    response_model=BatchOut,
    openapi_extra=_body(BatchForm),
    responses={
        200: {"model": BatchOut, "description": "此前已接收的同一批次"},
        **problems.responses(*OF_PEOPLE, *FILE_ERRORS, *BATCH_ERRORS, *_FORM_ERRORS),
    },
)
async def create_batch_from_form(
    request: Request,
    response: Response,
    actor: Contributor,
    contributions: ContributionService,
    key: Key = None,
) -> BatchOut:
    """Receive a file in a form; see `create_batch`."""
    form = await _form(request)
    given = _fields(BatchForm, form)
    kind = kind_of_file(form.file.name, form.file.content_type)
    new = NewBatch(
        feed=given.feed,
        unit=given.unit,
        source=given.source,
        batch_id=given.batch_id,
        key=key,
        kind=kind,
        mode=given.mode,
        parent=given.resubmits,
    )
    found, ours = await contributions.receive(actor, new, form.file.content)
    response.headers["Location"] = f"{UPLOADS}/{found.batch.id}"
    return answered(response, found, ours)


@router.post(
    "/checks/form",
    summary="以表单试校验一个文件",
    description=(
        f"与“试校验一个文件”相同，参数和文件在 `multipart/form-data` 表单中。{_ORDER}不保存任何内容。"
    ),
    openapi_extra=_body(CheckForm),
    responses=problems.responses(*OF_PEOPLE, *FILE_ERRORS, *_FORM_ERRORS),
)
async def check_form(request: Request, actor: Contributor, contributions: ContributionService) -> CheckOut:
    """Judge a file in a form and keep nothing of it (dry run)."""
    form = await _form(request)
    given = _fields(CheckForm, form)
    kind = kind_of_file(form.file.name, form.file.content_type)
    new = NewBatch(
        feed=given.feed,
        unit=given.unit,
        source=given.source,
        batch_id=None,
        key=None,
        kind=kind,
        mode=given.mode,
    )
    return CheckOut.of(await contributions.check(actor, new, form.file.content))


async def _form(request: Request) -> FileForm:
    if (request.headers.get("content-encoding") or "identity") != "identity":
        raise UnsupportedMedia
    return await file_form(request.headers.get("content-type"), request.stream())


def _fields(model: type[F], form: FileForm) -> F:
    # A form sends a field that was left empty.
    given = {name: value for name, value in form.fields.items() if value}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found, body=given) from error
