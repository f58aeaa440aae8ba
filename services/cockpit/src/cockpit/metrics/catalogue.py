"""Declarations of all metrics, read by the API, the dictionary page and the tests."""

from dataclasses import dataclass
from typing import Literal

MetricName = Literal[
    "aid_amount",
    "aid_person_times",
    "aid_persons",
    "published_government_amount",
    "published_central_amount",
    "published_local_amount",
    "published_stage_amount",
    "published_total_amount",
    "published_persons",
]

_DETAIL = "资助明细：按自然年度、逐笔发放记录统计；仅计入已生效的批次，已撤回的不计"
_PUBLISHED = "以发布方的口径为准，随每个数值一并给出；合计为发布值，不由分项相加得到"


@dataclass(frozen=True)
class Metric:
    """The definition of a metric. `additive`: whether the values of parts add up to the whole."""

    name: MetricName
    chinese: str
    formula: str
    unit: str
    scope: str
    source: str
    additive: bool


METRICS: dict[MetricName, Metric] = {
    metric.name: metric
    for metric in (
        Metric("aid_amount", "资助金额", "sum(金额)", "元", _DETAIL, "数据源 award", additive=True),
        Metric(
            "aid_person_times", "资助人次", "count(发放记录)", "人次", _DETAIL, "数据源 award", additive=True
        ),
        Metric(
            "aid_persons",
            "资助人数",
            "count(distinct 人员标识)，精确去重",
            "人",
            _DETAIL,
            "数据源 award",
            additive=False,
        ),
        Metric(
            "published_government_amount",
            "财政资助金额",
            "学段=合计 且 资金来源=财政",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            "published_central_amount",
            "中央财政资助金额",
            "学段=合计 且 资金来源=中央财政",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            "published_local_amount",
            "地方财政资助金额",
            "学段=合计 且 资金来源=地方财政",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            "published_stage_amount",
            "分学段财政资助金额",
            "学段≠合计 且 资金来源=财政，按学段",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            "published_total_amount",
            "资助总额",
            "学段=合计 且 资金来源=全部来源",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            "published_persons",
            "资助人数（发布值）",
            "学段=合计 且 资金来源=全部来源 的人数",
            "人",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=False,
        ),
    )
}
