"""API schemas of 资助概览."""

from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cockpit.directory.schemas import UnitBrief
from cockpit.metrics.catalogue import MetricName
from cockpit.overview import rules
from cockpit.published.rules import Verdict


class Amount(BaseModel):
    """An amount of money: the exact value and a rounded text for display."""

    yuan: str = Field(pattern=r"^-?\d+\.\d{2}$", description="元，精确到分", examples=["121060000000.00"])
    display: str = Field(description="显示值，可能舍入", examples=["1,210.6 亿元"])

    @classmethod
    def of(cls, amount: Decimal) -> Self:
        """Convert an amount in yuan."""
        return cls(yuan=rules.yuan(amount), display=rules.display(amount))


SUPPRESSED = "为保护个人信息不予显示（人数为 1 至 4，或可据以推算出这样的数值）；此时各数值为空"


class Sums(BaseModel):
    """资助金额, 资助人次, and 资助人数, which is not additive over parts."""

    suppressed: bool = Field(description=SUPPRESSED, examples=[False])
    amount: Amount | None
    person_times: int | None = Field(description="资助人次", examples=[1200])
    persons: int | None = Field(description="资助人数，精确去重", examples=[1100])


class Part(Sums):
    """The totals of one stage or one source of funds."""

    code: str = Field(examples=["compulsory"])
    name: str = Field(examples=["义务教育"])


class Awards(Sums):
    """Totals of the awards in the unit's subtree."""

    scope: str = Field(description="口径")
    metrics: list[MetricName] = Field(description="对应的指标，见指标字典")
    by_stage: list[Part]
    by_funding: list[Part]


class PublishedFigure(BaseModel):
    """One published figure with its 口径 and source."""

    metric: MetricName
    name: str = Field(examples=["财政资助金额"])
    stage: str | None = Field(default=None, examples=["compulsory"])
    amount: Amount
    share_percent: str | None = Field(
        default=None, description="占该项全部来源的比例（发布值）", examples=["64.32"]
    )
    persons: int | None = Field(default=None, description="人数（发布值）", examples=[16050000])
    scope: str = Field(description="口径", examples=["资助总额,不含免费教科书和营养膳食"])
    source: str = Field(examples=["China Daily, 2018-03-14"])


class CheckOut(BaseModel):
    """A comparison of two figures that must be equal."""

    name: rules.CheckName
    title: str = Field(examples=["分学段之和=财政合计"])
    left: Amount
    right: Amount
    equal: bool
    verdict: Verdict = Field(description="是否相符：公布值经四舍五入，分项之和与合计可有舍入差")
    note: str | None = Field(description="不相等时的说明", examples=[None])


class PublishedTable(BaseModel):
    """The figures of one source and scope; a newer batch of the same source and scope replaces them."""

    source: str
    scope: str
    batch_id: UUID
    committed_at: datetime
    government: PublishedFigure | None
    central: PublishedFigure | None
    local: PublishedFigure | None
    all_sources: PublishedFigure | None
    stages: list[PublishedFigure]
    checks: list[CheckOut]


class Child(BaseModel):
    """The awards of a direct child; `unit` is None if the child no longer exists or is no longer here."""

    code: str = Field(examples=["370100"])
    unit: UnitBrief | None
    suppressed: bool = Field(description=SUPPRESSED, examples=[False])
    amount: Amount | None
    person_times: int | None
    persons: int | None = Field(description="资助人数，精确去重；各下级相加可能大于本单位", examples=[1100])


class Own(BaseModel):
    """The awards of the unit itself, outside its children."""

    suppressed: bool = Field(description=SUPPRESSED, examples=[False])
    amount: Amount | None
    person_times: int | None


class Overview(BaseModel):
    """资助概览 of a unit and a year. `own` and `children` add up to `awards`."""

    model_config = ConfigDict(from_attributes=True)

    unit: UnitBrief
    year: int
    as_of: datetime
    awards: Awards
    published: list[PublishedTable]
    own: Own
    children: list[Child]


class Years(BaseModel):
    """The years with data."""

    unit: UnitBrief
    years: list[int] = Field(examples=[[2016, 2017]])
