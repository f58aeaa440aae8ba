"""What queries of Prometheus ask for: as much of PromQL as our queries use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SELECTOR = re.compile(r"\b((?:zhuxue|rabbitmq)_[a-z_]+|up)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
# Prometheus adds them to what it scrapes.
_OF_THE_SCRAPE = frozenset({"job", "instance"})


@dataclass(frozen=True)
class Matcher:
    """A condition on a label."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True)
class Selector:
    """A metric and conditions on its labels."""

    metric: str
    matchers: tuple[Matcher, ...]


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
