"""API schemas of views."""

from datetime import datetime

from pydantic import BaseModel, Field

from cockpit.cells.dimensions import Calendar, Dimension, Sector, Tree
from cockpit.metrics.catalogue import MetricName, Module
from cockpit.query.schemas import ColumnOut, DimensionOut, FigureOut, PlaceOut


class PeriodOut(BaseModel):
    """A period with its name."""

    period: str = Field(description="时期", examples=["2024"])
    title: str = Field(examples=["2024年"])


class PeriodsOut(BaseModel):
    """A calendar in which the view can be asked for, and the periods with data."""

    calendar: Calendar = Field(description="日历")
    periods: list[PeriodOut] = Field(description="有数据的各期，由近到远")


class KeyFigureOut(BaseModel):
    """A key figure with what it is compared with."""

    metric: MetricName
    name: str = Field(examples=["资助金额"])
    unit: str = Field(description="计量单位", examples=["元"])
    scope: str = Field(description="口径")
    figure: FigureOut = Field(description="本期的数值")
    before: FigureOut = Field(description="上年同期的数值")
    year_on_year: FigureOut = Field(description="同比")
    previous_period: FigureOut = Field(description="环比，仅用于学期")


class PointOut(BaseModel):
    """The figures of one period."""

    period: str = Field(description="时期", examples=["2024"])
    title: str = Field(examples=["2024年"])
    figures: list[FigureOut] = Field(description="各列的数值，顺序同 columns")


class TrendOut(BaseModel):
    """Figures period by period, the earliest first."""

    columns: list[ColumnOut] = Field(description="各列")
    points: list[PointOut] = Field(description="各期")


class PartOut(BaseModel):
    """The figures of one combination of values."""

    values: dict[Dimension, str] = Field(description="各维度的取值", examples=[{"funding": "central"}])
    name: str = Field(examples=["中央财政"])
    figures: list[FigureOut] = Field(description="各列的数值，顺序同 columns")


class BreakdownOut(BaseModel):
    """What the figures are composed of, by one or two dimensions, in the order of the values."""

    dimensions: list[DimensionOut] = Field(description="维度")
    columns: list[ColumnOut] = Field(description="各列")
    parts: list[PartOut] = Field(description="各部分；没有数据的取值不列出")


class StepOut(BaseModel):
    """A step of the funnel of money."""

    metric: MetricName
    name: str = Field(examples=["拨付金额"])
    figure: FigureOut = Field(description="本环节的金额")
    of_previous: FigureOut = Field(description="占上一环节的比例（%）")
    of_first: FigureOut = Field(description="占第一环节的比例（%）")


class ChildOut(BaseModel):
    """A place directly below, with its figures."""

    place: PlaceOut = Field(description="下级单位或区划")
    figures: list[FigureOut] = Field(description="各列的数值，顺序同 child_columns")
    view: str | None = Field(
        description="下钻到该单位或区划的地址（相对于本服务）；已调整隶属或撤销的为空",
        examples=[
            "/api/v1/views/overview?unit=01930000-0000-7000-8000-000000000001&calendar=year&period=2024"
        ],
    )


class LinksOut(BaseModel):
    """Where more is."""

    dictionary: str = Field(description="本模块的指标字典", examples=["/api/v1/metrics?module=overview"])
    query: str = Field(description="指标查询", examples=["/api/v1/query"])


class ViewOut(BaseModel):
    """The page of a module for one place, period and sector."""

    module: Module = Field(description="模块")
    title: str = Field(examples=["资助概览"])
    sector: Sector | None = Field(description="教育类别；为空是全部")
    tree: Tree = Field(description="按隶属关系或按属地")
    place: PlaceOut = Field(description="所查的单位或区划")
    trail: list[PlaceOut] = Field(description="其上级，自权限内的最高一级起")
    calendar: Calendar = Field(description="日历")
    period: str = Field(description="时期", examples=["2024"])
    period_title: str = Field(description="时期的名称", examples=["2024年"])
    as_of: datetime
    available: list[PeriodsOut] = Field(description="可用的日历和有数据的各期")
    key_figures: list[KeyFigureOut] = Field(description="主要指标")
    trend: TrendOut = Field(description="各期的走势")
    months: TrendOut | None = Field(description="当年各月的走势，仅资助资金有")
    breakdowns: list[BreakdownOut] = Field(description="构成")
    funnel: list[StepOut] = Field(description="下达、拨付、发放，仅资助资金有")
    child_columns: list[ColumnOut] = Field(description="下级数值的各列")
    own: list[FigureOut] = Field(
        description="本级直接的部分，即本级减各下级，仅可以相加的指标有；顺序同 child_columns"
    )
    children: list[ChildOut] = Field(description="各下级，含没有数据的")
    links: LinksOut = Field(description="相关地址")
