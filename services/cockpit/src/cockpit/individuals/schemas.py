"""API schemas of individual records."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cockpit.feeds.declarations import FeedName
from cockpit.feeds.rules import FIRST_YEAR, LAST_YEAR
from cockpit.individuals.models import IndividualUse
from servicekit.paging import CountedPage

_VALUE = r"^[^\x00-\x1f\x7f]+$"


class IndividualsIn(BaseModel):
    """Which records, and why."""

    model_config = ConfigDict(extra="forbid")

    feed: FeedName = Field(description="数据源")
    year: int = Field(ge=FIRST_YEAR, le=LAST_YEAR, description="年度", examples=[2024])
    reason: str = Field(
        min_length=4,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        description="查看事由，记入使用记录",
        examples=["核对春季学期生活补助的漏发名单"],
    )
    school: str | None = Field(
        default=None,
        max_length=32,
        pattern=r"^[0-9A-Za-z]+$",
        description="学校代码",
        examples=["3701020001"],
    )
    stage: str | None = Field(
        default=None, max_length=64, pattern=_VALUE, description="学段代码", examples=["compulsory"]
    )
    programme: str | None = Field(
        default=None,
        max_length=200,
        pattern=_VALUE,
        description="资助项目代码",
        examples=["living_allowance"],
    )
    period: str | None = Field(
        default=None,
        max_length=16,
        pattern=r"^[0-9a-z]+$",
        description="年内的学期（spring、autumn、year）或月份（01 至 12）",
        examples=["spring"],
    )


class Individual(BaseModel):
    """One record. The token is masked."""

    unit_code: str = Field(description="学校代码", examples=["3701020001"])
    unit_name: str | None = Field(description="学校名称；单位已不存在时为空", examples=["历下区第一小学"])
    person: str = Field(description="人员标识，仅显示首尾", examples=["Qm3x…9aTe"])
    record_id: str | None = Field(
        description="报送系统的记录号；该数据源没有时为空", examples=["r-2017-0001"]
    )
    batch_id: UUID = Field(description="所在批次")
    values: dict[str, str] = Field(
        description="各列的值", examples=[{"stage": "compulsory", "programme": "living_allowance"}]
    )
    yuan: str | None = Field(description="金额（元，精确到分）；该数据源没有金额时为空", examples=["625.00"])


class Individuals(CountedPage[Individual]):
    """A page of records, and how many there are."""

    persons: int = Field(description="符合条件的人数", examples=[1100])
    use: UUID = Field(description="本次查看在使用记录中的标识")


class UseOut(BaseModel):
    """That somebody looked at individual records."""

    id: UUID
    at: datetime = Field(description="时间")
    sub: str = Field(description="查看人的账号标识")
    unit_id: UUID = Field(description="查看人所在单位")
    unit_name: str | None = Field(description="查看人所在单位的名称；单位已不存在时为空")
    feed: str = Field(description="数据源")
    filters: dict[str, str | int] = Field(description="筛选条件", examples=[{"year": 2024}])
    further: bool = Field(description="是否为后续页")
    reason: str = Field(description="查看事由")

    @classmethod
    def of(cls, found: tuple[IndividualUse, str | None]) -> Self:
        """Convert a row and the name of its unit."""
        use, name = found
        return cls(
            id=use.id,
            at=use.at,
            sub=use.sub,
            unit_id=use.unit_id,
            unit_name=name,
            feed=use.feed,
            filters=use.filters,
            further=use.further,
            reason=use.reason,
        )
