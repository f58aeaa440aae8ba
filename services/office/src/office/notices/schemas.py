"""API schemas of notices."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from contracts.documents import NoticeKind, Urgency
from contracts.vocabulary import NoticeStatus
from office.addressing.rules import Address
from office.addressing.schemas import AddressIn, AddressOut
from office.directory.schemas import UnitRef
from office.notices import rules
from office.notices.content import NoticeContent
from office.notices.models import Notice
from office.notices.repository import NoticeTitle, Recipients
from office.notices.service import OwnNotice
from office.numbering.rules import PREFIX
from office.writing.richtext import MAX_LENGTH
from servicekit.instants import Instant

# PostgreSQL cannot store NUL; other control characters are input errors.
_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_LINE)]
LongLine = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=_LINE)
]
Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_LINE)]
Html = Annotated[str, StringConstraints(max_length=MAX_LENGTH, pattern=_TEXT)]

TITLE = "关于举办全国学生资助业务培训的通知"
_BODY = "<p>为提高学生资助工作水平，定于5月10日举办线上业务培训。</p><p>请各单位按时组织参加。</p>"


def _secrecy(text: str) -> str:
    if not rules.is_secrecy(text):
        raise PydanticCustomError("secrecy", "密级应为“无”；涉密文件不得上传")
    return text


RevisionNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="修订版本号", examples=[3])]
"""The number of a revision in a path."""


class Attachment(BaseModel):
    """附件说明: the name of an attachment and a note."""

    model_config = ConfigDict(extra="forbid")

    name: Line = Field(description="附件名称", examples=["培训日程"])
    note: Line | None = Field(default=None, description="说明", examples=["请提前安排参训人员"])
    file_id: UUID | None = Field(
        default=None, description="已上传的文件；只有附件名称时为空", examples=[None]
    )


class DraftIn(BaseModel):
    """The content of a draft (GB/T 9704-2012 §7), which may be incomplete."""

    model_config = ConfigDict(extra="forbid")

    kind: NoticeKind = Field(default=NoticeKind.NOTICE, description="文种", examples=["notice"])
    number_prefix: str | None = Field(
        default=None,
        pattern=f"^{PREFIX}$",
        description="机关代字；不填用本单位默认的。文号在签发时编排",
        examples=["教助中心"],
    )
    title: Title = Field(default="", description="标题", examples=[TITLE])
    body: Html = Field(
        default="",
        description="正文，HTML；只保留段落、标题、列表、表格、链接和加粗等格式，其余在保存时去除",
        examples=[_BODY],
    )
    urgency: Urgency = Field(
        default=Urgency.NORMAL,
        description="紧急程度；未填办理期限时：平件 2 个工作日，加急 1 个工作日，特急 4 小时",
        examples=["normal"],
    )
    secrecy: Annotated[str, AfterValidator(_secrecy)] = Field(
        default=rules.UNCLASSIFIED,
        max_length=20,
        description="密级；只能为“无”，秘密、机密、绝密一律拒收",
        examples=["无"],
    )
    salutation: LongLine | None = Field(
        default=None,
        description="主送机关的写法；不填时印为“各有关单位”",
        examples=["各省、自治区、直辖市学生资助管理部门"],
    )
    copies: LongLine | None = Field(default=None, description="抄送", examples=[None])
    attachments: list[Attachment] = Field(default=[], max_length=50, description="附件说明")
    remark: LongLine | None = Field(default=None, description="附注，印时加括号", examples=["此件公开发布"])
    printing_office: Line | None = Field(
        default=None, description="印发机关；不填为本单位", examples=["全国学生资助管理中心办公室"]
    )
    deadline: Instant | None = Field(
        default=None, description="办理截止时间；与 deadline_workdays 只填一项", examples=[None]
    )
    deadline_workdays: int | None = Field(
        default=None,
        ge=1,
        le=rules.MAX_WORKDAYS,
        description="办理期限（发布之后的工作日数，含调休）",
        examples=[5],
    )
    supersedes_id: UUID | None = Field(
        default=None, description="发布后替代的本单位通知；被替代的通知不再办理", examples=[None]
    )
    recipients: AddressIn = Field(default_factory=AddressIn, description="主送范围；默认送直接下级并逐级转发")

    @model_validator(mode="after")
    def _one_deadline(self) -> Self:
        if self.deadline is not None and self.deadline_workdays is not None:
            raise PydanticCustomError("two_deadlines", "deadline 与 deadline_workdays 只能填写一项")
        return self

    def content(self) -> NoticeContent:
        """Convert to the model's content."""
        return NoticeContent(
            title=self.title,
            body=self.body,
            kind=self.kind,
            urgency=self.urgency,
            number_prefix=self.number_prefix,
            salutation=self.salutation,
            copies=self.copies,
            attachments=[one.model_dump(mode="json") for one in self.attachments],
            remark=self.remark,
            printing_office=self.printing_office,
            deadline=self.deadline,
            deadline_workdays=self.deadline_workdays,
            supersedes_id=self.supersedes_id,
            recipients=self.recipients.address(),
        )


def _recipients(value: Any) -> Any:
    return RecipientsOut.of(value) if isinstance(value, Address) else value


class NoticeRef(BaseModel):
    """The identification of a notice."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="通知的标识")
    title: str = Field(description="标题", examples=[TITLE])
    document_number: str | None = Field(description="发文字号", examples=["教助中心〔2023〕12号"])

    @classmethod
    def among(cls, notice_id: UUID | None, titles: Mapping[UUID, NoticeTitle]) -> "NoticeRef | None":
        """Return the notice with this id."""
        title = None if notice_id is None else titles.get(notice_id)
        return None if title is None else cls.model_validate(title)


class NoticeSummary(BaseModel):
    """A notice in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    status: NoticeStatus = Field(description="状态", examples=["published"])
    kind: NoticeKind = Field(description="文种", examples=["notice"])
    document_number: str | None = Field(
        description="发文字号；签发之前为空", examples=["教助中心〔2023〕11号"]
    )
    title: str = Field(description="标题", examples=[TITLE])
    urgency: Urgency = Field(description="紧急程度", examples=["normal"])
    created_at: datetime = Field(description="起草时间")
    issued_at: datetime | None = Field(description="签发时间", examples=["2023-04-27T01:00:00Z"])
    published_at: datetime | None = Field(description="发布时间", examples=["2023-04-27T01:00:00Z"])
    withdrawn_at: datetime | None = Field(description="撤回时间", examples=[None])
    archived_at: datetime | None = Field(description="归档时间", examples=[None])
    superseded_by_id: UUID | None = Field(description="替代它的通知", examples=[None])
    deadline: datetime | None = Field(description="办理截止时间", examples=["2023-05-08T15:59:59Z"])
    version: int = Field(description="版本，即 ETag 引号内的数字", examples=[1])


class RecipientsOut(AddressOut):
    """主送, with the units that it names."""

    units: list[UUID] = Field(description="指定的单位", examples=[[]])
    groups: list[UUID] = Field(description="指定的通讯录分组", examples=[[]])

    @classmethod
    def of(cls, address: Address) -> Self:
        """Convert an address."""
        values = AddressOut.of(address).model_dump()
        return cls(**values, units=list(address.picked), groups=list(address.groups))


class GroupRef(BaseModel):
    """The identification of a group of the address book."""

    id: UUID = Field(description="分组的标识")
    name: str = Field(description="分组名称", examples=["试点县"])


class NamedRecipients(BaseModel):
    """The names of what `recipients` has the ids of."""

    recipient_units: list[UnitRef] = Field(description="recipients 指定的单位及其名称")
    recipient_groups: list[GroupRef] = Field(description="recipients 指定的通讯录分组及其名称，不含已删除的")


class ContentOut(BaseModel):
    """What a document says, besides its title."""

    model_config = ConfigDict(from_attributes=True)

    body: str = Field(description="正文，HTML，可直接显示", examples=[_BODY])
    salutation: str | None = Field(description="主送机关的写法", examples=["各省级学生资助管理部门"])
    copies: str | None = Field(description="抄送", examples=[None])
    attachments: list[Attachment] = Field(description="附件说明")
    remark: str | None = Field(description="附注", examples=["此件公开发布"])
    printing_office: str | None = Field(description="印发机关；空为发文单位", examples=[None])
    supersedes_id: UUID | None = Field(description="替代的通知", examples=[None])
    recipients: Annotated[RecipientsOut, BeforeValidator(_recipients)] = Field(description="主送范围")
    deadline_workdays: int | None = Field(description="办理期限（工作日）", examples=[5])


class DraftOut(ContentOut, NoticeSummary):
    """A notice with its content, without what only its unit sees."""

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """Convert a stored notice."""
        return cls.model_validate(notice)


class OwnNoticeOut(DraftOut):
    """A notice, as displayed to its own unit."""

    number_prefix: str | None = Field(description="机关代字；空为默认", examples=["教助中心"])
    publish_at: datetime | None = Field(description="定时发布的时间", examples=[None])
    updated_at: datetime = Field(description="最近修改时间", examples=["2023-04-27T01:00:00Z"])
    created_by: UUID = Field(description="起草人的标识")
    creator_name: str | None = Field(description="起草人姓名", examples=["王芳"])
    updated_by: UUID = Field(description="最近修改人的标识")
    updater_name: str | None = Field(description="最近修改人姓名", examples=["王芳"])
    issued_by: UUID | None = Field(description="签发人的标识", examples=[None])
    issuer_name: str | None = Field(description="签发人姓名", examples=["李明"])
    withdraw_reason: str | None = Field(description="撤回原因", examples=[None])
    returned_reason: str | None = Field(description="草稿最近一次被退回的原因", examples=[None])
    replaces: NoticeRef | None = Field(description="该通知所替代的通知")
    replaced_by: NoticeRef | None = Field(description="替代该通知的新通知")

    @classmethod
    def of_own(cls, own: OwnNotice) -> Self:
        """Convert a notice with the names of its people."""
        notice, names = own.notice, own.names
        return cls(
            **DraftOut.of(notice).model_dump(),
            number_prefix=notice.number_prefix,
            publish_at=notice.publish_at,
            updated_at=notice.updated_at,
            created_by=notice.created_by,
            creator_name=names.get(notice.created_by),
            updated_by=notice.updated_by,
            updater_name=names.get(notice.updated_by),
            issued_by=notice.issued_by,
            issuer_name=None if notice.issued_by is None else names.get(notice.issued_by),
            withdraw_reason=notice.withdraw_reason,
            returned_reason=None if own.returned is None else own.returned.note,
            replaces=NoticeRef.among(notice.supersedes_id, own.titles),
            replaced_by=NoticeRef.among(notice.superseded_by_id, own.titles),
        )


class OwnNoticeDetail(NamedRecipients, OwnNoticeOut):
    """A notice, as displayed to its own unit, with the names of its recipients."""

    @classmethod
    def of_detail(cls, own: OwnNotice, recipients: Recipients) -> Self:
        """Convert a notice and its recipients."""
        return cls(**OwnNoticeOut.of_own(own).model_dump(), **named(recipients))


class OutboxLine(NoticeSummary):
    """A notice in the unit's outbox."""

    updated_at: datetime = Field(description="最近修改时间", examples=["2023-04-27T01:00:00Z"])
    publish_at: datetime | None = Field(description="定时发布的时间", examples=[None])
    created_by: UUID = Field(description="起草人的标识")
    creator_name: str | None = Field(default=None, description="起草人姓名", examples=["王芳"])
    updater_name: str | None = Field(default=None, description="最近修改人姓名", examples=["王芳"])
    issuer_name: str | None = Field(default=None, description="签发人姓名", examples=["李明"])
    replaced_by: NoticeRef | None = Field(default=None, description="替代该通知的新通知")

    @classmethod
    def of(cls, notice: Notice, names: dict[UUID, str], titles: Mapping[UUID, NoticeTitle]) -> Self:
        """Convert a stored notice."""
        line = cls.model_validate(notice)
        line.creator_name = names.get(notice.created_by)
        line.updater_name = names.get(notice.updated_by)
        line.issuer_name = None if notice.issued_by is None else names.get(notice.issued_by)
        line.replaced_by = NoticeRef.among(notice.superseded_by_id, titles)
        return line


class StatusCountOut(BaseModel):
    """How many notices of the unit have a status."""

    status: NoticeStatus = Field(description="状态", examples=["draft"])
    count: int = Field(description="通知数", examples=[3])


class OutboxCountsOut(BaseModel):
    """How many notices of the unit have each status."""

    items: list[StatusCountOut] = Field(description="各状态的通知数，按办理顺序，不含为零的")

    @classmethod
    def of(cls, counts: dict[NoticeStatus, int]) -> Self:
        """Convert counts."""
        return cls(
            items=[StatusCountOut(status=one, count=counts[one]) for one in NoticeStatus if one in counts]
        )


def named(recipients: Recipients) -> dict[str, Any]:
    """Return the fields of `NamedRecipients`."""
    return {
        "recipient_units": [UnitRef.model_validate(unit) for unit in recipients.units],
        "recipient_groups": [GroupRef(id=id_, name=name) for id_, name in recipients.groups.items()],
    }
