"""API schemas of the dictionary of metrics."""

from pydantic import BaseModel, ConfigDict, Field

from cockpit.metrics.catalogue import MetricName


class MetricOut(BaseModel):
    """The definition of a metric."""

    model_config = ConfigDict(from_attributes=True)

    name: MetricName
    chinese: str = Field(examples=["资助人数"])
    formula: str = Field(examples=["count(distinct 人员标识)，精确去重"])
    unit: str = Field(examples=["人"])
    scope: str = Field(description="口径", examples=["资助明细：按自然年度、逐笔发放记录统计"])
    source: str = Field(examples=["数据源 award"])
    additive: bool = Field(description="分项是否可以相加", examples=[False])
