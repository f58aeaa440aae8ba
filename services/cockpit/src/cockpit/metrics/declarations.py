"""All metrics: those computed from cells, and those of published tables."""

from cockpit.feeds.declarations import FeedName
from cockpit.metrics.aid import AID
from cockpit.metrics.catalogue import Metric, MetricName, Module
from cockpit.metrics.figures import Unit
from cockpit.metrics.funds import FUNDS

_PUBLISHED = "以发布方的口径为准，随每个数值一并给出；合计为发布值，不由分项相加得到"


def _published(name: MetricName, definition: str, formula: str, unit: Unit, *, additive: bool) -> Metric:
    return Metric(
        name,
        Module.OVERVIEW,
        definition,
        formula,
        unit,
        _PUBLISHED,
        additive,
        published_feed=FeedName.PUBLISHED_AGGREGATE,
    )


_FROM_TABLES = (
    _published(
        MetricName.PUBLISHED_GOVERNMENT_AMOUNT,
        "公布的财政资助金额。",
        "学段=合计 且 资金来源=财政",
        Unit.YUAN,
        additive=True,
    ),
    _published(
        MetricName.PUBLISHED_CENTRAL_AMOUNT,
        "公布的中央财政资助金额。",
        "学段=合计 且 资金来源=中央财政",
        Unit.YUAN,
        additive=True,
    ),
    _published(
        MetricName.PUBLISHED_LOCAL_AMOUNT,
        "公布的地方财政资助金额。",
        "学段=合计 且 资金来源=地方财政",
        Unit.YUAN,
        additive=True,
    ),
    _published(
        MetricName.PUBLISHED_STAGE_AMOUNT,
        "公布的各学段财政资助金额。",
        "学段≠合计 且 资金来源=财政，按学段",
        Unit.YUAN,
        additive=True,
    ),
    _published(
        MetricName.PUBLISHED_TOTAL_AMOUNT,
        "公布的全部来源的资助金额。",
        "学段=合计 且 资金来源=全部来源",
        Unit.YUAN,
        additive=True,
    ),
    _published(
        MetricName.PUBLISHED_PERSONS,
        "公布的资助人数。",
        "学段=合计 且 资金来源=全部来源 的人数",
        Unit.PERSONS,
        additive=False,
    ),
)

METRICS: dict[MetricName, Metric] = {metric.name: metric for metric in (*AID, *FUNDS, *_FROM_TABLES)}
"""In the order in which the dictionary lists them."""
