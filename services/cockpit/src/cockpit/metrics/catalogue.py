"""Declarations of all metrics, read by the API, the dictionary page and the tests."""

from dataclasses import dataclass

from contracts.vocabulary import Vocabulary


class MetricName(Vocabulary):
    """The figures of the cockpit."""

    AID_AMOUNT = "aid_amount", "资助金额"
    AID_PERSON_TIMES = "aid_person_times", "资助人次"
    AID_PERSONS = "aid_persons", "资助人数"
    PUBLISHED_GOVERNMENT_AMOUNT = "published_government_amount", "财政资助金额"
    PUBLISHED_CENTRAL_AMOUNT = "published_central_amount", "中央财政资助金额"
    PUBLISHED_LOCAL_AMOUNT = "published_local_amount", "地方财政资助金额"
    PUBLISHED_STAGE_AMOUNT = "published_stage_amount", "分学段财政资助金额"
    PUBLISHED_TOTAL_AMOUNT = "published_total_amount", "资助总额"
    PUBLISHED_PERSONS = "published_persons", "资助人数（发布值）"


_DETAIL = "资助明细：按自然年度、逐笔发放记录统计；仅计入已生效的批次，已撤回的不计"
_PUBLISHED = "以发布方的口径为准，随每个数值一并给出；合计为发布值，不由分项相加得到"


@dataclass(frozen=True)
class Metric:
    """The definition of a metric. `additive`: whether the values of parts add up to the whole."""

    name: MetricName
    formula: str
    unit: str
    scope: str
    source: str
    additive: bool

    @property
    def chinese(self) -> str:
        """The Chinese name."""
        return self.name.label


METRICS: dict[MetricName, Metric] = {
    metric.name: metric
    for metric in (
        Metric(MetricName.AID_AMOUNT, "sum(金额)", "元", _DETAIL, "数据源 award", additive=True),
        Metric(
            MetricName.AID_PERSON_TIMES, "count(发放记录)", "人次", _DETAIL, "数据源 award", additive=True
        ),
        Metric(
            MetricName.AID_PERSONS,
            "count(distinct 人员标识)，精确去重",
            "人",
            _DETAIL,
            "数据源 award",
            additive=False,
        ),
        Metric(
            MetricName.PUBLISHED_GOVERNMENT_AMOUNT,
            "学段=合计 且 资金来源=财政",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            MetricName.PUBLISHED_CENTRAL_AMOUNT,
            "学段=合计 且 资金来源=中央财政",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            MetricName.PUBLISHED_LOCAL_AMOUNT,
            "学段=合计 且 资金来源=地方财政",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            MetricName.PUBLISHED_STAGE_AMOUNT,
            "学段≠合计 且 资金来源=财政，按学段",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            MetricName.PUBLISHED_TOTAL_AMOUNT,
            "学段=合计 且 资金来源=全部来源",
            "元",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=True,
        ),
        Metric(
            MetricName.PUBLISHED_PERSONS,
            "学段=合计 且 资金来源=全部来源 的人数",
            "人",
            _PUBLISHED,
            "数据源 published_aggregate",
            additive=False,
        ),
    )
}
