"""What queries of Prometheus ask for, and whether a scrape has it: as much of PromQL as our queries use."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

_SELECTOR = re.compile(r"\b((?:zhuxue|rabbitmq)_[a-z_]+|up)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
# Such a part of a query has a result in any case.
_OR_ZERO = re.compile(r"^.* or (?:on \(\) )?vector\(0\)$|\(.* or vector\(0\)\)")
# Prometheus adds them to what it scrapes.
_OF_THE_SCRAPE = frozenset({"job", "instance"})


@dataclass(frozen=True)
class Matcher:
    """A condition on a label."""

    label: str
    operator: str
    value: str

    def holds(self, labels: dict[str, str]) -> bool:
        """Return whether a series meets it; one that lacks the label has it empty."""
        if self.label in _OF_THE_SCRAPE:
            return True
        found = labels.get(self.label, "")
        same = (
            found == self.value if "~" not in self.operator else re.fullmatch(self.value, found) is not None
        )
        return same != self.operator.startswith("!")


@dataclass(frozen=True)
class Selector:
    """A metric and conditions on its labels."""

    metric: str
    matchers: tuple[Matcher, ...]

    def among(self, series: Iterable[tuple[str, dict[str, str]]]) -> bool:
        """Return whether it selects one of the series."""
        return any(
            name == self.metric and all(matcher.holds(labels) for matcher in self.matchers)
            for name, labels in series
        )


def selectors(query: str) -> list[Selector]:
    """Return what a query reads."""
    return [
        Selector(metric, tuple(Matcher(*found) for found in _MATCHER.findall(conditions)))
        for metric, conditions in _SELECTOR.findall(query)
    ]


def grouped_by(query: str) -> set[str]:
    """Return the labels of a query's result, as far as it names them."""
    return {label.strip() for labels in _GROUPED.findall(query) for label in labels.split(",")}


def labels_asked_for(query: str) -> Iterator[tuple[str, str]]:
    """Yield metrics with the labels that a query reads of them, besides those that Prometheus adds."""
    for selector in selectors(query):
        asked = {matcher.label for matcher in selector.matchers} | grouped_by(query)
        yield from ((selector.metric, label) for label in sorted(asked - _OF_THE_SCRAPE))


def answered(query: str, series: list[tuple[str, dict[str, str]]]) -> bool:
    """Return whether a query has a result: each of its parts finds something, or says zero otherwise."""
    return all(selector.among(series) for selector in selectors(_OR_ZERO.sub("", query)))


def series_of(scrape: str) -> list[tuple[str, dict[str, str]]]:
    """Return the series of an answer of `/metrics`."""
    return [
        (sample.name, dict(sample.labels))
        for family in text_string_to_metric_families(scrape)
        for sample in family.samples
    ]
