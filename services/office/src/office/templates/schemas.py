"""API schemas of templates."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.documents import NoticeKind
from office.directory.schemas import UnitRef
from office.templates.models import TemplateContent, TemplateVersion
from office.templates.rules import NAME
from office.templates.service import Filled, TemplateView
from office.writing.richtext import MAX_LENGTH

_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)]
LongLine = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=_LINE)
]
Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
Value = Annotated[str, StringConstraints(max_length=2000, pattern=_TEXT)]

_TITLE = "关于召开{{会议名称}}的通知"
_BODY = "<p>定于{{会议时间}}召开{{会议名称}}，请按时参加。</p>"


class TemplateIn(BaseModel):
    """A template. Texts may contain variables such as {{会议时间}}."""

    model_config = ConfigDict(extra="forbid")

    name: Line = Field(description="模板名称，本单位内不重复", examples=["会议通知"])
    kind: NoticeKind = Field(default=NoticeKind.NOTICE, description="文种", examples=["notice"])
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_LINE)] = Field(
        default="", description="标题，可含变量", examples=[_TITLE]
    )
    body: Annotated[str, StringConstraints(max_length=MAX_LENGTH, pattern=_TEXT)] = Field(
        default="",
        description="正文，HTML，可含变量；单位名称、单位简称、今天、年度自动填写",
        examples=[_BODY],
    )
    salutation: LongLine | None = Field(default=None, description="主送机关的写法", examples=[None])
    remark: LongLine | None = Field(default=None, description="附注", examples=["此件公开发布"])
    hints: dict[Name, Line] = Field(
        default={},
        max_length=50,
        description="变量的填写说明，按变量名",
        examples=[{"会议时间": "如 2023年5月10日上午9:00"}],
    )
    offered: bool = Field(default=False, description="供下级单位使用", examples=[True])

    def content(self) -> TemplateContent:
        """Convert to the model's content."""
        return TemplateContent(**self.model_dump())


class TemplateSummary(BaseModel):
    """A template in a list."""

    id: UUID = Field(description="模板的标识")
    unit: UnitRef | None = Field(description="模板所属单位；尚未同步时为空")
    name: str = Field(description="模板名称", examples=["会议通知"])
    kind: NoticeKind = Field(description="文种", examples=["notice"])
    offered: bool = Field(description="供下级单位使用", examples=[True])
    updated_at: datetime = Field(description="最近修改时间", examples=["2023-04-27T01:00:00Z"])
    version: int = Field(description="版本，即 ETag 引号内的数字", examples=[1])

    @classmethod
    def of(cls, view: TemplateView) -> Self:
        """Convert a template."""
        template = view.template
        return cls(
            id=template.id,
            unit=None if view.unit is None else UnitRef.model_validate(view.unit),
            name=template.name,
            kind=template.kind,
            offered=template.offered,
            updated_at=template.updated_at,
            version=template.version,
        )


class VariableOut(BaseModel):
    """A variable to be filled in."""

    name: str = Field(description="变量名", examples=["会议时间"])
    hint: str | None = Field(description="填写说明", examples=["如 2023年5月10日上午9:00"])


class TemplateOut(TemplateSummary):
    """A template with its texts."""

    title: str = Field(description="标题", examples=[_TITLE])
    body: str = Field(description="正文，HTML", examples=[_BODY])
    salutation: str | None = Field(description="主送机关的写法", examples=[None])
    remark: str | None = Field(description="附注", examples=[None])
    variables: list[VariableOut] = Field(description="需要填写的变量，按出现顺序")

    @classmethod
    def of_view(cls, view: TemplateView) -> Self:
        """Convert a template."""
        template = view.template
        return cls(
            **TemplateSummary.of(view).model_dump(),
            title=template.title,
            body=template.body,
            salutation=template.salutation,
            remark=template.remark,
            variables=[VariableOut(name=name, hint=template.hints.get(name)) for name in view.variables],
        )


class TemplateVersionOut(BaseModel):
    """A version of a template."""

    version: int = Field(description="版本", examples=[1])
    at: datetime = Field(description="保存时间", examples=["2023-04-27T01:00:00Z"])
    by: UUID = Field(description="修改人的标识")
    editor_name: str | None = Field(description="修改人姓名", examples=["王芳"])
    name: str = Field(description="当时的模板名称", examples=["会议通知"])
    title: str = Field(description="当时的标题", examples=[_TITLE])
    body: str = Field(description="当时的正文，HTML", examples=[_BODY])

    @classmethod
    def of(cls, version: TemplateVersion, content: TemplateContent, names: dict[UUID, str]) -> Self:
        """Convert a stored version."""
        return cls(
            version=version.version,
            at=version.at,
            by=version.by,
            editor_name=names.get(version.by),
            name=content.name,
            title=content.title,
            body=content.body,
        )


class TemplateVersionsOut(BaseModel):
    """The versions of a template."""

    items: list[TemplateVersionOut] = Field(description="版本，从新到旧，最多 500 个")


class FillIn(BaseModel):
    """Values for the variables of a template."""

    model_config = ConfigDict(extra="forbid")

    values: dict[Name, Value] = Field(
        default={},
        max_length=100,
        description="变量的值，纯文本；未给出的变量原样保留",
        examples=[{"会议名称": "业务培训会", "会议时间": "5月10日"}],
    )


class FilledOut(BaseModel):
    """The texts of a template with its variables filled in, for a draft."""

    template_id: UUID = Field(description="模板的标识")
    template_version: int = Field(description="模板的版本", examples=[1])
    kind: NoticeKind = Field(description="文种", examples=["notice"])
    title: str = Field(description="标题", examples=["关于召开业务培训会的通知"])
    body: str = Field(description="正文，HTML", examples=["<p>定于5月10日召开业务培训会，请按时参加。</p>"])
    salutation: str | None = Field(description="主送机关的写法", examples=[None])
    remark: str | None = Field(description="附注", examples=[None])
    missing: list[str] = Field(description="尚未填写的变量", examples=[[]])

    @classmethod
    def of(cls, filled: Filled) -> Self:
        """Convert a filled template."""
        return cls(
            template_id=filled.template.id,
            template_version=filled.template.version,
            kind=filled.template.kind,
            title=filled.title,
            body=filled.body,
            salutation=filled.salutation,
            remark=filled.remark,
            missing=filled.missing,
        )
