"""Writes columns and dimensions of answers."""

from collections.abc import Iterable

from cockpit.cells.dimensions import Dimension
from cockpit.metrics.declarations import METRICS
from cockpit.metrics.offering import WORDS
from cockpit.metrics.tables import Asked, Line, unit_of
from cockpit.query.schemas import ColumnOut, DimensionOut, FigureOut


def column(asked: Asked) -> ColumnOut:
    """Describe the figures of a column."""
    metric, comparison = METRICS[asked.metric], asked.comparison
    return ColumnOut(
        metric=metric.name,
        comparison=comparison,
        name=metric.chinese + ("" if comparison is None else comparison.label),
        unit=unit_of(metric.unit, comparison).label,
        scope=metric.scope,
        additive=metric.additive and comparison is None,
    )


def figures(line: Line, columns: Iterable[Asked]) -> list[FigureOut]:
    """Write the figures of a line, in the order of the columns."""
    return [
        FigureOut.of(line.figures[asked], METRICS[asked.metric].unit, asked.comparison) for asked in columns
    ]


def dimensions(by: Iterable[Dimension]) -> list[DimensionOut]:
    """Describe dimensions with the words of their values."""
    return [DimensionOut(name=one, title=one.label, words=WORDS[one]) for one in by]
