"""What an answer holds before it is written: figures by place, period and values of dimensions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cockpit.cells.dimensions import Calendar, Dimension, Tree
from cockpit.metrics.catalogue import MetricName
from cockpit.metrics.figures import Figure, Unit
from cockpit.metrics.periods import Comparison

Values = tuple[tuple[Dimension, str], ...]
"""Values of dimensions, in the order of the names of the dimensions."""


def values_of(values: Mapping[Dimension, str]) -> Values:
    """Return values in their order."""
    return tuple(sorted(values.items()))


@dataclass(frozen=True)
class Asked:
    """A figure that was asked for: a metric, or a comparison of it."""

    metric: MetricName
    comparison: Comparison | None = None


@dataclass(frozen=True)
class Line:
    """The figures of one place, period and combination of values."""

    place: str
    period: str
    values: Values
    figures: Mapping[Asked, Figure]


@dataclass(frozen=True)
class FigureTable:
    """Figures of places in one tree and calendar. `only` are the values that it is limited to."""

    tree: Tree
    calendar: Calendar
    only: Mapping[Dimension, tuple[str, ...]]
    lines: tuple[Line, ...]

    @cached_property
    def _index(self) -> Mapping[tuple[str, str, Values], Line]:
        return {(line.place, line.period, line.values): line for line in self.lines}

    def line(self, place: str, period: str, values: Values = ()) -> Line | None:
        """Return one line, None if there is none."""
        return self._index.get((place, period, values))


def unit_of(unit: Unit, comparison: Comparison | None) -> Unit:
    """Return what a comparison of figures in `unit` is counted in."""
    if comparison is None or comparison is Comparison.CUMULATIVE:
        return unit
    return Unit.POINTS if unit.is_share and comparison is not Comparison.SHARE else Unit.PERCENT
