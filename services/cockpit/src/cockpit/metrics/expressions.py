"""How figures are derived from cells. Pure functions.

A metric is an expression over cells of its place, period and values of dimensions. `leaves` says what must be
read for it, and `evaluate` computes it from that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cockpit.cells.dimensions import Dimension
from cockpit.feeds.declarations import FeedName
from cockpit.metrics.figures import NO_BASE, Figure, difference, ratio
from contracts.vocabulary import Vocabulary


class Measure(Vocabulary):
    """What a cell holds."""

    AMOUNT = "amount", "金额"
    TIMES = "times", "记录数"
    PERSONS = "persons", "人数"
    WEIGHT = "weight", "加权值"


class Border(Vocabulary):
    """Which flows of money a place counts, by the levels between which they go.

    Money for a county that passes through its province and city is three flows, all received by units below
    the centre. Each place counts a flow once: where it crosses the place's own border.
    """

    ENTERING = "entering", "由上级转入本辖区"
    LEAVING = "leaving", "由本辖区转给上级"


@dataclass(frozen=True)
class Cell:
    """A measure of the facts of one feed; of those only with these values, if any are given.

    Persons are counted for at most one value of each dimension, because they do not add up.
    """

    feed: FeedName
    measure: Measure
    only: tuple[tuple[Dimension, tuple[str, ...]], ...] = ()
    border: Border | None = None


@dataclass(frozen=True)
class Both:
    """The persons that are both in one cell and in another, `back` years before."""

    one: Cell
    other: Cell
    back: int = 0


@dataclass(frozen=True)
class Several:
    """The persons of a cell who have one value of a dimension, or two, or three and more."""

    cell: Cell
    over: Dimension
    number: int


@dataclass(frozen=True)
class Earlier:
    """An expression in the year before."""

    of: "Expression"


@dataclass(frozen=True)
class Ratio:
    """Part ÷ whole, times 100 if it is a percentage."""

    part: "Expression"
    whole: "Expression"
    percent: bool = False


@dataclass(frozen=True)
class Less:
    """The whole less its parts. There is no value if `given` is zero, as for what has not been reported."""

    whole: "Expression"
    parts: tuple["Expression", ...]
    given: "Expression"


Leaf = Cell | Both | Several
Expression = Cell | Both | Several | Earlier | Ratio | Less


def leaves(expression: Expression, back: int = 0) -> Iterator[tuple[Leaf, int]]:
    """Yield what an expression reads, each with the number of years before."""
    if isinstance(expression, Cell | Both | Several):
        yield expression, back
    elif isinstance(expression, Earlier):
        yield from leaves(expression.of, back + 1)
    elif isinstance(expression, Ratio):
        yield from leaves(expression.part, back)
        yield from leaves(expression.whole, back)
    else:
        for one in (expression.whole, *expression.parts, expression.given):
            yield from leaves(one, back)


def cells(expression: Expression) -> Iterator[Cell]:
    """Yield the cells that an expression is made of."""
    for leaf, _ in leaves(expression):
        if isinstance(leaf, Both):
            yield from (leaf.one, leaf.other)
        else:
            yield leaf.cell if isinstance(leaf, Several) else leaf


def evaluate(expression: Expression, read: Callable[[Leaf, int], Figure], back: int = 0) -> Figure:
    """Compute an expression; `read` returns the figure of a leaf some years before."""
    if isinstance(expression, Cell | Both | Several):
        return read(expression, back)
    if isinstance(expression, Earlier):
        return evaluate(expression.of, read, back + 1)
    if isinstance(expression, Ratio):
        part, whole = (evaluate(one, read, back) for one in (expression.part, expression.whole))
        return ratio(part, whole, percent=expression.percent)
    given = evaluate(expression.given, read, back)
    if not given.value:
        return given if given.value is None else NO_BASE
    whole, *parts = (evaluate(one, read, back) for one in (expression.whole, *expression.parts))
    return difference(whole, *parts)
