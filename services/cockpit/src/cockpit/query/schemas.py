"""API schemas of questions and of figures in answers."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from cockpit.cells.dimensions import Calendar, Dimension, Tree
from cockpit.metrics.catalogue import MetricName
from cockpit.metrics.figures import Absence, Figure, Unit, display, display_change, exact
from cockpit.metrics.periods import GROWTHS, Comparison
from cockpit.metrics.tables import unit_of
from cockpit.query.places import Mark, Place
from contracts.vocabulary import Level, Open, Vocabulary


class Rows(Vocabulary):
    """Which places of the tree are asked for."""

    OWN = "own", "本级"
    CHILDREN = "children", "各下级"
    BOTH = "both", "本级和各下级"


_Word = Annotated[str, Field(min_length=1, max_length=64)]


class QueryIn(BaseModel):
    """A question: metrics × dimensions × places × periods."""

    metrics: list[MetricName] = Field(
        min_length=1, max_length=20, description="指标，见指标字典", examples=[["aid_amount", "aid_persons"]]
    )
    comparisons: list[Comparison] = Field(
        default_factory=list, max_length=4, description="每个指标的比较值", examples=[["year_on_year"]]
    )
    dimensions: list[Dimension] = Field(
        default_factory=list, max_length=3, description="按哪些维度分行", examples=[["stage"]]
    )
    filters: dict[Dimension, Annotated[list[_Word], Field(min_length=1, max_length=50)]] = Field(
        default_factory=dict,
        max_length=4,
        description="只统计这些取值；人数类指标的每个条件只能有一个取值，除非同时按该维度分行",
        examples=[{"stage": ["compulsory"]}],
    )
    tree: Tree = Field(default=Tree.AUTHORITY, description="按隶属关系或按属地")
    unit: UUID | None = Field(default=None, description="单位（按隶属），默认为本单位；只能是本单位或下级")
    region: str | None = Field(
        default=None,
        pattern=r"^[0-9]{6}$",
        description="行政区划代码（按属地），默认为本单位所在区划；只能是本区划或所辖区划",
        examples=["370100"],
    )
    rows: Rows = Field(default=Rows.OWN, description="本级、各下级或两者")
    calendar: Calendar = Field(default=Calendar.YEAR, description="日历")
    periods: list[_Word] = Field(
        min_length=1,
        max_length=60,
        description="时期：2024（自然年、学年）、2024-spring（学期）、2024-03（月）",
        examples=[["2023", "2024"]],
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("metrics", "comparisons", "dimensions", "periods"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} 中有重复的值")
        if self.tree is Tree.AUTHORITY and self.region is not None:
            raise ValueError("region 只用于按属地查询")
        if self.tree is Tree.TERRITORY and self.unit is not None:
            raise ValueError("unit 只用于按隶属查询")
        return self


class FigureOut(BaseModel):
    """One figure: the exact value, the text for display, and why there is no value."""

    value: str | None = Field(
        description="精确值，小数位数随计量单位（金额、比率两位，人数、人次为整数），四舍五入",
        examples=["121060000000.00"],
    )
    display: str = Field(description="显示值，可能舍入；无值为“—”，不予显示为“*”", examples=["1,210.6 亿元"])
    absent: Absence | None = Field(default=None, description="没有值的原因")
    suppressed: bool = Field(default=False, description="有值，但因人数较少不予显示")

    @classmethod
    def of(cls, figure: Figure, unit: Unit, comparison: Comparison | None = None) -> Self:
        """Write a figure of a metric in `unit`, or a comparison of it."""
        counted = unit_of(unit, comparison)
        written = display_change if comparison in GROWTHS else display
        return cls(
            value=exact(figure, counted),
            display=written(figure, counted),
            absent=figure.absent,
            suppressed=figure.suppressed,
        )


class PlaceOut(BaseModel):
    """A unit or a region, and where it is on maps."""

    code: str = Field(description="单位代码或行政区划代码", examples=["370100"])
    name: str = Field(examples=["济南市学生资助管理中心"])
    level: Open[Level] = Field(examples=["city"])
    unit_id: UUID | None = Field(description="单位标识；已调整隶属或撤销的为空")
    map_code: str | None = Field(
        description="地图区域代码（GB/T 2260）；学校和兵团没有单独的区域", examples=["370100"]
    )
    province_code: str | None = Field(description="所在省级区域的代码", examples=["370000"])
    mark: Mark | None = Field(description="与同级不同之处")

    @classmethod
    def of(cls, place: Place) -> Self:
        """Convert a place."""
        return cls(
            code=place.code,
            name=place.name,
            level=place.level,
            unit_id=place.unit_id,
            map_code=place.map_code,
            province_code=place.province_code,
            mark=place.mark,
        )


class ColumnOut(BaseModel):
    """A column of an answer: a metric, or a comparison of it."""

    metric: MetricName
    comparison: Comparison | None = Field(description="比较；为空是指标本身")
    name: str = Field(examples=["资助金额同比"])
    unit: str = Field(description="计量单位", examples=["%"])
    scope: str = Field(description="口径", examples=["资助明细：逐笔资助记录统计"])
    additive: bool = Field(description="分项是否可以相加")


class DimensionOut(BaseModel):
    """A dimension of an answer, and the Chinese words of its values."""

    name: Dimension
    title: str = Field(examples=["学段"])
    words: dict[str, str] = Field(description="各取值的中文名称", examples=[{"compulsory": "义务教育"}])


class RowOut(BaseModel):
    """The figures of one place, period and combination of values."""

    place: str = Field(description="单位代码或行政区划代码，见 places", examples=["370100"])
    period: str = Field(description="时期", examples=["2024"])
    values: dict[Dimension, str] = Field(description="各维度的取值", examples=[{"stage": "compulsory"}])
    figures: list[FigureOut] = Field(description="各列的数值，顺序同 columns")


class QueryOut(BaseModel):
    """The answer to a question. Rows are ordered by place, period and values."""

    tree: Tree = Field(description="按隶属关系或按属地")
    calendar: Calendar = Field(description="日历")
    as_of: datetime
    columns: list[ColumnOut] = Field(description="各列")
    dimensions: list[DimensionOut] = Field(description="分行的维度")
    places: list[PlaceOut] = Field(description="各单位或区划")
    rows: list[RowOut] = Field(description="各行；没有数据的维度取值没有行")
