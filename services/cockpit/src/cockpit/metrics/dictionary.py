"""The dictionary: all declarations with their examples, and the search in them. Pure."""

from functools import cache

from cockpit.metrics.catalogue import COMPARISONS, Metric, MetricName, Module
from cockpit.metrics.declarations import METRICS
from cockpit.metrics.examples import COMPARED, EXAMPLES, Example
from cockpit.metrics.periods import Comparison
from cockpit.metrics.schemas import ComparisonOut, MetricOut

_OF_METRICS: dict[MetricName, Example] = {example.metric: example for example in EXAMPLES}
_OF_COMPARISONS: dict[Comparison | None, Example] = {example.comparison: example for example in COMPARED}


@cache
def entry(name: MetricName) -> MetricOut:
    """Return the entry of a metric."""
    return MetricOut.of(METRICS[name], _OF_METRICS.get(name))


def entries(module: Module | None = None, words: str = "") -> list[MetricOut]:
    """Return the entries of a module, or of all, that contain each of some words separated by blanks."""
    return [
        entry(metric.name)
        for metric in METRICS.values()
        if module in (None, metric.module) and _contains(metric, words)
    ]


@cache
def comparisons() -> list[ComparisonOut]:
    """Return the entries of all comparisons."""
    return [ComparisonOut.of(one, _OF_COMPARISONS.get(one.name)) for one in COMPARISONS.values()]


def _contains(metric: Metric, words: str) -> bool:
    text = " ".join((metric.name.value, metric.chinese, metric.definition, metric.formula, metric.scope))
    return all(word in text.casefold() for word in words.casefold().split())
