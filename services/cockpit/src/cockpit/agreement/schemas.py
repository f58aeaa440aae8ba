"""API schemas of inconsistencies."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from cockpit.feeds.crosschecks import Severity
from cockpit.feeds.declarations import FeedName
from servicekit.paging import CountedPage


class InconsistencyCount(BaseModel):
    """How many records of a unit do not agree."""

    feed: FeedName = Field(description="数据源")
    check: str = Field(description="对照的代码", examples=["award_without_enrolment"])
    title: str = Field(description="对照的名称", examples=["受助学生不在籍"])
    severity: Severity = Field(description="入库时不符的处理：隔离，或计入并提示")
    unit_code: str = Field(description="单位代码", examples=["3701020001"])
    unit_name: str | None = Field(description="单位名称；单位已不存在时为空", examples=["历下区第一小学"])
    rows: int | None = Field(
        description="不符的记录数；人数过少，或据此可推知人数过少的，不予显示，为空", examples=[12]
    )


class InconsistencyCounts(CountedPage[InconsistencyCount]):
    """A page of counts, and how many records do not agree at all units."""

    rows: int = Field(
        description="全部不符的记录数（一条记录有多项不符时分别计入，不含不予显示的）", examples=[137]
    )
    as_of: datetime = Field(description="对照的时间")


class InconsistentRow(BaseModel):
    """A record that does not agree. The token of its person is masked."""

    unit_code: str = Field(description="单位代码", examples=["3701020001"])
    unit_name: str | None = Field(description="单位名称；单位已不存在时为空", examples=["历下区第一小学"])
    year: int = Field(description="年度或学年", examples=[2024])
    record_id: str | None = Field(description="记录编号；该数据源没有时为空", examples=["A2024-000001"])
    person: str | None = Field(description="人员标识，仅显示首尾；没有人员的为空", examples=["Qm3x…9aTe"])
    values: dict[str, str] = Field(
        description="与对照有关的列", examples=[{"award_record_id": "A2024-000009"}]
    )
    batch_id: UUID = Field(description="所在批次")
    recorded_at: datetime = Field(description="入库时间")


class InconsistentRows(CountedPage[InconsistentRow]):
    """A page of records."""

    title: str = Field(description="对照的名称", examples=["受助学生不在籍"])
    rule: str = Field(description="规则")
    why: str = Field(description="如此处理的理由")
    use: UUID = Field(description="本次查看在使用记录中的标识")
