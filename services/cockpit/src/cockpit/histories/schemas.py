"""API schemas of the history of a record."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from cockpit.feeds.declarations import FeedName
from cockpit.histories.repository import How, What
from contracts.intake import BatchStatus


class VersionOut(BaseModel):
    """A fact: it added the record with this content, or took that content back."""

    what: What = Field(description="计入，或冲销")
    how: How = Field(description="由于新增、更正、删除，或撤回批次")
    batch_id: UUID | None = Field(description="所属批次；该批次不在本单位管辖范围时为空")
    batch_status: BatchStatus | None = Field(description="该批次现在的状态；不在管辖范围时为空")
    source: str | None = Field(description="数据来源；不在管辖范围时为空", examples=["某县学生资助系统"])
    at: datetime = Field(description="写入时间")
    unit_code: str = Field(description="单位代码", examples=["3701020001"])
    year: int = Field(description="年度", examples=[2024])
    values: dict[str, str] = Field(
        description="内容；人员、账户标识只显示首尾", examples=[{"amount": "625.00", "term": "spring"}]
    )


class HistoryOut(BaseModel):
    """All versions of a record, in the order of time."""

    feed: FeedName = Field(description="数据源")
    record_id: str = Field(description="记录编号", examples=["A2024-000001"])
    counts: bool = Field(description="现在是否计入")
    complete: bool = Field(description="是否为全部版本；最多列出 200 条")
    versions: list[VersionOut] = Field(description="各版本，从早到晚")
    use: UUID = Field(description="本次查看在使用记录中的标识")
