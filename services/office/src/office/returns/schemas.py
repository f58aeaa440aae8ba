"""API schemas of returns."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.documents import ReturnStatus
from office.directory.models import Unit
from office.directory.schemas import UnitRef
from office.returns.models import Return
from office.returns.repository import ReturnLine

# PostgreSQL cannot store NUL; other control characters are input errors.
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]+$"

Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=1000, pattern=_TEXT)
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=_TEXT)]


class ReturnIn(BaseModel):
    """退回: why."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(description="退回原因", examples=["本区没有普通高中，不属于参训范围。"])


class DecisionIn(BaseModel):
    """What the sender answers."""

    model_config = ConfigDict(extra="forbid")

    note: Note | None = Field(
        default=None, description="给退回单位的说明", examples=["请安排资助工作人员参加。"]
    )


class ReturnOut(BaseModel):
    """A return."""

    notice_id: UUID
    unit_id: UUID = Field(description="退回单位的标识")
    unit_name: str | None = Field(
        description="退回单位的名称；尚未同步时为空", examples=["历下区学生资助管理中心"]
    )
    number: int = Field(description="该单位第几次退回", examples=[1])
    reason: str = Field(description="退回原因")
    returned_by: UUID = Field(description="退回人")
    returned_by_name: str | None = Field(description="退回人姓名", examples=["张三"])
    returned_at: datetime = Field(description="退回时间", examples=["2023-04-27T03:12:00Z"])
    status: ReturnStatus = Field(description="状态", examples=["open"])
    decided_by: UUID | None = Field(description="处理人")
    decided_by_name: str | None = Field(description="处理人姓名", examples=["李四"])
    decided_at: datetime | None = Field(description="处理时间")
    note: str | None = Field(description="来文单位的说明")

    @classmethod
    def of(cls, given_back: Return, unit: Unit | None, names: Mapping[UUID, str]) -> Self:
        """Convert a stored return of `unit`; `names` are those of people."""
        by = given_back.decided_by
        return cls(
            notice_id=given_back.notice_id,
            unit_id=given_back.unit_id,
            unit_name=None if unit is None else unit.name,
            number=given_back.number,
            reason=given_back.reason,
            returned_by=given_back.returned_by,
            returned_by_name=names.get(given_back.returned_by),
            returned_at=given_back.returned_at,
            status=given_back.status,
            decided_by=by,
            decided_by_name=None if by is None else names.get(by),
            decided_at=given_back.decided_at,
            note=given_back.note,
        )


class ReturnLineOut(ReturnOut):
    """A return, as listed for its sender."""

    title: str = Field(description="通知标题", examples=["关于举办全国学生资助业务培训的通知"])
    document_number: str | None = Field(description="发文字号", examples=["教助中心〔2023〕11号"])
    unit: UnitRef | None = Field(description="退回单位；尚未同步时为空")

    @classmethod
    def of_line(cls, line: ReturnLine, names: dict[UUID, str]) -> Self:
        """Convert a query row."""
        return cls(
            **ReturnOut.of(line.given_back, line.unit, names).model_dump(),
            title=line.notice.title,
            document_number=line.notice.document_number,
            unit=None if line.unit is None else UnitRef.model_validate(line.unit),
        )
