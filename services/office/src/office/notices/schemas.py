"""API schemas of notices."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError

from contracts.vocabulary import NoticeStatus
from office.addressing.schemas import AddressIn, AddressOut
from office.notices import rules
from office.notices.models import Notice, NoticeContent
from office.notices.rules import Urgency
from office.notices.service import Published
from servicekit.instants import Instant

# PostgreSQL cannot store NUL; other control characters are input errors.
_LINE = r"^[^\x00-\x1f\x7f]+$"

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_LINE)]
Paragraph = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000, pattern=_LINE)
]


def _document_number(text: str) -> str:
    if not rules.is_document_number(text):
        raise PydanticCustomError("document_number", "发文字号应形如 教助中心〔2023〕11号")
    return text


def _secrecy(text: str) -> str:
    if not rules.is_secrecy(text):
        raise PydanticCustomError("secrecy", "密级应为“无”；涉密文件不得上传")
    return text


class Attachment(BaseModel):
    """附件说明: the name of an attachment and a note."""

    model_config = ConfigDict(extra="forbid")

    name: Title = Field(description="附件名称", examples=["培训日程"])
    note: Title | None = Field(default=None, description="说明", examples=["请提前安排参训人员"])


class DraftIn(BaseModel):
    """The content of a draft (the parts of GB/T 9704-2012 that an ordinary notice needs)."""

    model_config = ConfigDict(extra="forbid")

    document_number: Annotated[str, AfterValidator(_document_number)] = Field(
        max_length=40, description="发文字号，本单位内不得重复", examples=["教助中心〔2023〕11号"]
    )
    title: Title = Field(description="标题", examples=["关于举办全国学生资助业务培训的通知"])
    body: list[Paragraph] = Field(
        min_length=1,
        max_length=300,
        description="正文，每项一段，纯文本",
        examples=[["为提高学生资助工作水平，定于5月10日举办线上业务培训。", "请各单位按时组织参加。"]],
    )
    urgency: Urgency = Field(
        default="平件",
        description="紧急程度；未填办理期限时：平件 2 个工作日，加急 1 个工作日，特急 4 小时",
        examples=["平件"],
    )
    secrecy: Annotated[str, AfterValidator(_secrecy)] = Field(
        default=rules.UNCLASSIFIED,
        max_length=20,
        description="密级；只能为“无”，秘密、机密、绝密一律拒收",
        examples=["无"],
    )
    attachments: list[Attachment] = Field(default=[], max_length=50, description="附件说明")
    deadline: Instant | None = Field(
        default=None, description="办理截止时间；与 deadline_workdays 只填一项", examples=[None]
    )
    recipients: AddressIn = Field(default_factory=AddressIn, description="主送；默认送直接下级并逐级转发")
    deadline_workdays: int | None = Field(
        default=None,
        ge=1,
        le=rules.MAX_WORKDAYS,
        description="办理期限（签发之后的工作日数，含调休）",
        examples=[5],
    )

    @model_validator(mode="after")
    def _one_deadline(self) -> Self:
        if self.deadline is not None and self.deadline_workdays is not None:
            raise PydanticCustomError("two_deadlines", "deadline 与 deadline_workdays 只能填写一项")
        return self

    def content(self) -> NoticeContent:
        """Convert to the model's content."""
        return NoticeContent(
            document_number=self.document_number,
            title=self.title,
            body=self.body,
            urgency=self.urgency,
            attachments=[attachment.model_dump() for attachment in self.attachments],
            deadline=self.deadline,
            deadline_workdays=self.deadline_workdays,
            recipients=self.recipients.address(),
        )


class NoticeSummary(BaseModel):
    """A notice in the list of a publisher."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    status: NoticeStatus = Field(description="状态", examples=["published"])
    document_number: str = Field(description="发文字号", examples=["教助中心〔2023〕11号"])
    title: str = Field(description="标题", examples=["关于举办全国学生资助业务培训的通知"])
    urgency: Urgency = Field(description="紧急程度", examples=["平件"])
    created_at: datetime = Field(description="起草时间")
    published_at: datetime | None = Field(description="签发时间")
    withdrawn_at: datetime | None = Field(description="撤回时间")
    deadline: datetime | None = Field(description="办理截止时间", examples=["2023-05-08T15:59:59Z"])
    version: int = Field(description="版本，即 ETag 引号内的数字", examples=[1])


class RecipientsOut(AddressOut):
    """主送, with the units that it names."""

    model_config = ConfigDict(from_attributes=True)

    units: list[UUID] = Field(
        validation_alias=AliasChoices("picked", "units"), description="指定的单位", examples=[[]]
    )


class DraftOut(NoticeSummary):
    """A notice, as displayed to its publisher."""

    body: list[str] = Field(description="正文")
    attachments: list[Attachment] = Field(description="附件说明")
    recipients: RecipientsOut = Field(description="主送")
    deadline_workdays: int | None = Field(description="办理期限（工作日）", examples=[5])

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """Convert a stored notice."""
        return cls.model_validate(notice)


class PublishedOut(DraftOut):
    """The result of issuing a notice."""

    delivered_to: int = Field(description="送达的单位数", examples=[6])

    @classmethod
    def of_publication(cls, published: Published) -> Self:
        """Convert a notice that was published."""
        values = DraftOut.of(published.notice).model_dump()
        return cls(**values, delivered_to=published.delivered_to)
