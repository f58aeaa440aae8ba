"""What is asked, and what must be read for it. Pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from cockpit.cells.dimensions import Calendar, Dimension, Grouping, Tree
from cockpit.feeds.declarations import FeedName
from cockpit.metrics.catalogue import Metric
from cockpit.metrics.expressions import Both, Leaf, Several, leaves
from cockpit.metrics.offering import WORDS, offers, parts, reading
from cockpit.metrics.periods import GROWTHS, Comparison, base, years_before
from cockpit.metrics.tables import Asked
from cockpit.query.places import Place

FIGURES = 50_000
"""Figures in one answer, at most."""
INTERSECTIONS = 1_000
"""Pairs of cells whose common persons are counted for one answer, at most; each reads two sets of persons."""

FIGURES_IN_BLOCKS = 20_000_000
"""Figures of an answer that is read in blocks, at most: those of a million lines."""
INTERSECTIONS_IN_BLOCKS = 20_000


@dataclass(frozen=True)
class Question:
    """Metrics × dimensions × places × periods, in one tree and calendar.

    `children` are direct children of `own`, those that have lines in the answer; only `some` of them, if so.
    """

    metrics: tuple[Metric, ...]
    tree: Tree
    calendar: Calendar
    periods: tuple[str, ...]
    own: Place
    with_own: bool = True
    children: tuple[Place, ...] = ()
    some: bool = False
    comparisons: tuple[Comparison, ...] = ()
    by: tuple[Dimension, ...] = ()
    only: Mapping[Dimension, tuple[str, ...]] = field(default_factory=dict)

    @property
    def places(self) -> tuple[Place, ...]:
        """The places that have lines in the answer."""
        return (self.own, *self.children) if self.with_own else self.children

    @property
    def asked(self) -> Grouping:
        """The dimensions told apart or limited."""
        return frozenset((*self.by, *self.only))

    @property
    def figures(self) -> tuple[Asked, ...]:
        """The figures of each line."""
        return tuple(
            Asked(metric.name, comparison)
            for metric in self.metrics
            for comparison in (None, *self.comparisons)
        )


def combinations(by: Sequence[Dimension], only: Mapping[Dimension, Sequence[str]]) -> int:
    """Return how many combinations of values there can be."""
    return prod(len(only.get(dimension, WORDS[dimension])) for dimension in by)


def bases(question: Question, period: str) -> Iterator[str]:
    """Yield the periods in which the metrics are needed for one line: its own, and those compared with."""
    yield period
    for comparison in question.comparisons:
        if comparison in GROWTHS:
            other = base(question.calendar, period, comparison)
            if other is not None:
                yield other


def all_leaves(question: Question) -> Iterator[tuple[Leaf, int]]:
    """Yield what the metrics of a question read, each once."""
    yield from dict.fromkeys(
        found
        for metric in question.metrics
        if metric.expression is not None
        for found in leaves(metric.expression)
    )


@dataclass(frozen=True)
class Reading:
    """One kind of cells to read: the feed, what is told apart, and whether it is for schools."""

    feed: FeedName
    by: Grouping
    school: bool


def readings(question: Question) -> dict[Reading, set[str]]:
    """Return what is read, with the periods; nothing for metrics that a kind of place does not have."""
    found: dict[Reading, set[str]] = {}
    wanted = {other for period in question.periods for other in bases(question, period)}
    for school in {place.school for place in question.places}:
        for metric in question.metrics:
            if metric.expression is None or not offers(
                metric, question.calendar, question.asked, school=school
            ):
                continue
            for leaf, back in leaves(metric.expression):
                for number, (cell, asked) in enumerate(parts(leaf, question.asked)):
                    years = back + (leaf.back if isinstance(leaf, Both) and number else 0)
                    one = Reading(cell.feed, reading(cell, asked, school=school), school)
                    found.setdefault(one, set()).update(years_before(period, years) for period in wanted)
    return found


def lines(places: int, question: Question) -> int:
    """Return the lines that an answer for so many places can have."""
    return places * len(question.periods) * combinations(question.by, question.only)


def cost(places: int, question: Question) -> int:
    """Return the figures that an answer for so many places can have."""
    return lines(places, question) * len(question.figures)


def intersections(places: int, question: Question) -> int:
    """Return the pairs of cells whose common persons an answer can need."""
    pairs = sum(isinstance(leaf, Both) for leaf, _ in all_leaves(question))
    # The cells of some twenty values are read for each; those of one place are read once.
    leaves_ = [leaf for leaf, _ in all_leaves(question) if isinstance(leaf, Several)]
    pairs += 10 * len({(leaf.cell, leaf.over) for leaf in leaves_})
    wanted = {other for period in question.periods for other in bases(question, period)}
    return pairs * places * len(wanted) * combinations(question.by, question.only)
