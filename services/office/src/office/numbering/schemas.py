"""API schemas of document numbers."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from office.numbering import rules
from office.numbering.repository import RegisterLine
from office.numbering.service import SeriesLine

Letterhead = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Year = Annotated[int, Field(ge=2000, le=2099)]


class SeriesIn(BaseModel):
    """A new series of numbers."""

    model_config = ConfigDict(extra="forbid")

    prefix: str = Field(pattern=f"^{rules.PREFIX}$", description="机关代字", examples=["教助中心"])
    letterhead: Letterhead | None = Field(
        default=None,
        description="发文机关标志（红头）；默认单位名称加“文件”",
        examples=["全国学生资助管理中心文件"],
    )
    preferred: bool = Field(
        default=False, description="起草时默认使用；第一个机关代字总是默认", examples=[True]
    )


class SeriesChangeIn(BaseModel):
    """What may change of a series."""

    model_config = ConfigDict(extra="forbid")

    letterhead: Letterhead | None = Field(
        default=None, description="发文机关标志（红头）", examples=["全国学生资助管理中心文件"]
    )
    preferred: bool = Field(description="起草时默认使用", examples=[True])
    active: bool = Field(default=True, description="是否可用；停用后不能再用于签发", examples=[True])


class StartIn(BaseModel):
    """The first number of a year."""

    model_config = ConfigDict(extra="forbid")

    first: int = Field(ge=1, le=rules.MAX_NUMBER, description="起始号", examples=[11])


class SeriesOut(BaseModel):
    """A series of numbers of the unit."""

    id: UUID = Field(description="机关代字的标识")
    prefix: str = Field(description="机关代字", examples=["教助中心"])
    letterhead: str | None = Field(description="发文机关标志（红头）", examples=["全国学生资助管理中心文件"])
    preferred: bool = Field(description="起草时默认使用", examples=[True])
    active: bool = Field(description="是否可用", examples=[True])
    year: int = Field(description="年度", examples=[2023])
    next: int = Field(description="该年度的下一个号", examples=[11])
    version: int = Field(description="版本，即 ETag 引号内的数字", examples=[1])

    @classmethod
    def of(cls, line: SeriesLine) -> Self:
        """Convert a series."""
        series = line.series
        return cls(
            id=series.id,
            prefix=series.prefix,
            letterhead=series.letterhead,
            preferred=series.preferred,
            active=series.active,
            year=line.year,
            next=line.next,
            version=series.version,
        )


class SeriesListOut(BaseModel):
    """All series of the unit."""

    items: list[SeriesOut] = Field(description="机关代字，默认的在前")


class NumberOut(BaseModel):
    """A line of the register."""

    document_number: str = Field(description="发文字号", examples=["教助中心〔2023〕11号"])
    prefix: str = Field(description="机关代字", examples=["教助中心"])
    year: int = Field(description="年度", examples=[2023])
    serial: int = Field(description="顺序号", examples=[11])
    notice_id: UUID
    title: str = Field(description="标题", examples=["关于举办全国学生资助业务培训的通知"])
    issued_by: UUID = Field(description="签发人的标识")
    issuer_name: str | None = Field(description="签发人姓名", examples=["李明"])
    issued_at: datetime = Field(description="签发时间", examples=["2023-04-27T01:00:00Z"])
    voided_at: datetime | None = Field(description="撤回时间；撤回的文号不再使用", examples=[None])
    void_reason: str | None = Field(description="撤回原因", examples=[None])

    @classmethod
    def of(cls, line: RegisterLine) -> Self:
        """Convert a line."""
        number = line.number
        return cls(
            document_number=number.text,
            prefix=number.prefix,
            year=number.year,
            serial=number.serial,
            notice_id=number.subject_id,
            title=number.title,
            issued_by=number.issued_by,
            issuer_name=line.issuer,
            issued_at=number.issued_at,
            voided_at=number.voided_at,
            void_reason=number.void_reason,
        )
