"""API schemas of the dictionary of metrics."""

from datetime import date
from typing import Self

from pydantic import BaseModel, Field

from cockpit.cells.dimensions import Calendar, Dimension
from cockpit.feeds.declarations import FeedName
from cockpit.metrics import offering
from cockpit.metrics.catalogue import Compared, Metric, MetricName, Module
from cockpit.metrics.examples import Example
from cockpit.metrics.periods import Comparison


class ExampleOut(BaseModel):
    """A worked example: rows of feeds, and the figure that they give."""

    rows: list[str] = Field(
        description="数据行", examples=[["资助明细：甲组 6 人每人一行，金额（元） 625.00，学期 春季"]]
    )
    asked: str = Field(description="所查的时期和条件", examples=["2024年"])
    work: str = Field(description="计算过程", examples=["6 × 625.00 + 5 × 500.10"])
    value: str = Field(description="结果", examples=["10000.50"])

    @classmethod
    def of(cls, example: Example) -> Self:
        """Write an example."""
        return cls(
            rows=[sample.words for sample in example.rows],
            asked=example.asked,
            work=example.work,
            value=example.value,
        )


class OfferedOut(BaseModel):
    """What a metric can be asked by in one calendar."""

    calendar: Calendar = Field(description="日历")
    groupings: list[list[Dimension]] = Field(
        description="可用的维度及其两两组合；本级合计总是可查", examples=[[["stage"], ["stage", "programme"]]]
    )
    schools: bool = Field(description="学校是否也有合计")
    comparisons: list[Comparison] = Field(description="可用的比较")


class MetricOut(BaseModel):
    """The definition of a metric."""

    name: MetricName
    chinese: str = Field(examples=["资助人数"])
    module: Module = Field(description="所属模块")
    definition: str = Field(description="定义", examples=["获得资助的学生人数，一名学生只计一次。"])
    formula: str = Field(examples=["count(distinct 人员标识)，精确去重"])
    unit: str = Field(examples=["人"])
    scope: str = Field(description="口径", examples=["资助明细：按自然年度、逐笔发放记录统计"])
    source: str = Field(examples=["数据源 award"])
    feeds: list[FeedName] = Field(description="所用的数据源")
    additive: bool = Field(description="分项是否可以相加", examples=[False])
    owner: str = Field(description="责任单位", examples=["全国学生资助管理中心"])
    valid_from: date = Field(description="本定义的生效日期", examples=["2026-09-01"])
    valid_to: date | None = Field(description="本定义的失效日期")
    offered: list[OfferedOut] = Field(description="可用的日历和维度；公布的数据不能查询，为空")
    example: ExampleOut | None = Field(description="算例")

    @classmethod
    def of(cls, metric: Metric, example: Example | None) -> Self:
        """Write a declaration."""
        return cls(
            name=metric.name,
            chinese=metric.chinese,
            module=metric.module,
            definition=metric.definition,
            formula=metric.formula,
            unit=metric.unit.label,
            scope=metric.scope,
            source=metric.source,
            feeds=list(metric.feeds),
            additive=metric.additive,
            owner=metric.owner,
            valid_from=metric.valid_from,
            valid_to=metric.valid_to,
            offered=[
                OfferedOut(
                    calendar=calendar,
                    groupings=offering.groupings(metric, calendar),
                    schools=offering.offers(metric, calendar, frozenset(), school=True),
                    comparisons=offering.comparisons(metric, calendar),
                )
                for calendar in offering.calendars(metric)
            ],
            example=None if example is None else ExampleOut.of(example),
        )


class ComparisonOut(BaseModel):
    """The definition of a comparison, which metrics can be asked with."""

    name: Comparison
    chinese: str = Field(examples=["同比"])
    definition: str = Field(description="定义", examples=["与上年同期相比的变化。"])
    formula: str = Field(examples=["(本期 − 上年同期) ÷ 上年同期 × 100"])
    unit: str = Field(description="计量单位", examples=["%；比率类指标为百分点"])
    condition: str = Field(
        description="适用条件", examples=["上年同期为零或没有数据时无值，不以 100% 代替。"]
    )
    example: ExampleOut | None = Field(description="算例")

    @classmethod
    def of(cls, compared: Compared, example: Example | None) -> Self:
        """Write a declaration."""
        return cls(
            name=compared.name,
            chinese=compared.name.label,
            definition=compared.definition,
            formula=compared.formula,
            unit=compared.unit,
            condition=compared.condition,
            example=None if example is None else ExampleOut.of(example),
        )
