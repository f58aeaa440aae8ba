"""Which questions can be asked for a metric: those that kept cells answer exactly. Pure functions."""

from collections.abc import Iterator
from functools import cache

from cockpit.cells.dimensions import Calendar, CellFeed, Dimension, Grouping, grouping
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.rules import plan
from cockpit.feeds import values
from cockpit.metrics.catalogue import Metric
from cockpit.metrics.expressions import Both, Cell, Expression, Leaf, Measure, Several, cells, leaves
from cockpit.metrics.periods import Comparison

WORDS: dict[Dimension, dict[str, str]] = {
    Dimension.STAGE: values.STAGES,
    Dimension.SECTOR: {"basic": "基础教育", "vocational": "职业教育", "higher": "高等教育"},
    Dimension.PROGRAMME: values.PROGRAMMES,
    Dimension.FUNDING: values.FUNDING,
    Dimension.HARDSHIP_TYPE: values.HARDSHIP_TYPES,
    Dimension.HARDSHIP_LEVEL: values.HARDSHIP_LEVELS,
    Dimension.LIST_SOURCE: values.HARDSHIP_SOURCES,
    Dimension.NATURE: values.NATURES,
    Dimension.RESIDENCE: values.RESIDENCE,
    Dimension.BOARDING: {"yes": "寄宿", "no": "非寄宿"},
    Dimension.GRADE: {str(grade): f"{grade}年级" for grade in range(1, 10)},
    Dimension.ENROLMENT_STATE: values.ENROLMENT_STATES,
    Dimension.LOAN_KIND: values.LOAN_KINDS,
    Dimension.LOAN_STATE: values.LOAN_STATES,
    Dimension.BANK: values.BANKS,
    Dimension.FLOW_KIND: values.FLOW_KINDS,
    Dimension.FROM_LEVEL: values.FLOW_LEVELS,
    Dimension.TO_LEVEL: values.FLOW_LEVELS,
    Dimension.PAYMENT_STATE: values.PAYMENT_STATES,
}
"""The values of each dimension, with their Chinese words."""

BORDER = grouping(Dimension.FROM_LEVEL, Dimension.TO_LEVEL)
"""What flows are told apart by, to see which cross a border."""


def feed_of(cell: Cell) -> CellFeed:
    """Return the declaration of the cells of a leaf."""
    return CELL_FEEDS[cell.feed.value]


def dimensions_of(feed: CellFeed) -> Grouping:
    """Return the dimensions that the facts of a feed have."""
    own = frozenset(feed.columns)
    return own | {Dimension.SECTOR} if Dimension.STAGE in own else own


def reading(cell: Cell, asked: Grouping, *, school: bool) -> Grouping:
    """Return the grouping that is read for a leaf, when `asked` are told apart or limited.

    A school has no border to tell apart: all that it receives comes from above.
    """
    pins = frozenset(dimension for dimension, _ in cell.only)
    return asked | pins | (BORDER if cell.border is not None and not school else frozenset())


def parts(leaf: Leaf, asked: Grouping) -> Iterator[tuple[Cell, Grouping]]:
    """Yield the cells of a leaf, with what is asked of each.

    The second of `Both` is limited by the dimensions that it has: orphans who were aided are the persons in
    the cell of orphans and in that of all aided.
    """
    if isinstance(leaf, Cell):
        yield leaf, asked
    elif isinstance(leaf, Several):
        yield leaf.cell, asked | {leaf.over}
    else:
        yield leaf.one, asked
        yield leaf.other, asked & dimensions_of(feed_of(leaf.other))


@cache
def offers(metric: Metric, calendar: Calendar, asked: Grouping, *, school: bool = False) -> bool:
    """Return whether a metric can be asked for with these dimensions told apart or limited.

    Not by a dimension that the metric itself limits: paid money has one state of payment.
    """
    if metric.expression is None or asked & _pins(metric.expression):
        return False
    # Undivided only: figures of the parts would have to be hidden with those of the whole.
    if asked and any(isinstance(leaf, Several) for leaf, _ in leaves(metric.expression)):
        return False
    return all(
        plan(
            feed_of(cell).kept(calendar, school=school),
            reading(cell, limited, school=school),
            {},
        )
        is not None
        for leaf, _ in leaves(metric.expression)
        for cell, limited in parts(leaf, asked)
    )


def _pins(expression: Expression) -> Grouping:
    return frozenset(dimension for cell in cells(expression) for dimension, _ in cell.only)


def calendars(metric: Metric) -> list[Calendar]:
    """Return the calendars in which a metric can be asked for."""
    return [calendar for calendar in Calendar if offers(metric, calendar, frozenset())]


def groupings(metric: Metric, calendar: Calendar) -> list[list[Dimension]]:
    """Return the dimensions, and pairs of them, by which a metric can be told apart in a calendar.

    A sector says nothing beside a stage.
    """
    singles = [one for one in Dimension if offers(metric, calendar, frozenset({one}))]
    pairs = [
        [one, other]
        for place, one in enumerate(Dimension)
        for other in list(Dimension)[place + 1 :]
        if {one, other} != {Dimension.STAGE, Dimension.SECTOR}
        and offers(metric, calendar, frozenset({one, other}))
    ]
    return [*([one] for one in singles), *pairs]


def comparisons(metric: Metric, calendar: Calendar) -> list[Comparison]:
    """Return the comparisons that a metric can be asked with in a calendar."""
    found = [Comparison.YEAR_ON_YEAR]
    if calendar in (Calendar.TERM, Calendar.MONTH):
        found.append(Comparison.PREVIOUS_PERIOD)
    if summable(metric.expression):
        found += [Comparison.CUMULATIVE, Comparison.SHARE]
    return found


def summable(expression: Expression | None) -> bool:
    """Return whether values of several periods or kinds add up."""
    return isinstance(expression, Cell) and expression.measure is not Measure.PERSONS


def counts_persons(metric: Metric) -> bool:
    """Return whether a metric needs distinct persons, which do not add up over values of a dimension."""
    return metric.expression is not None and (
        any(isinstance(leaf, Both | Several) for leaf, _ in leaves(metric.expression))
        or any(cell.measure is Measure.PERSONS for cell in cells(metric.expression))
    )
