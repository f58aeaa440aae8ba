"""Answers questions: reads the cells that the metrics are made of, and computes the figures from them."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from cockpit.cells.dimensions import Calendar, Dimension, Grouping, Tree
from cockpit.cells.multiples import Several as Counts
from cockpit.cells.overlaps import Pair
from cockpit.cells.service import Ask, CellRef, CellRow, Cells, together
from cockpit.disclosure.common import Overlap
from cockpit.disclosure.service import Shown
from cockpit.disclosure.tables import is_small
from cockpit.feeds.declarations import FeedName
from cockpit.metrics.catalogue import Metric
from cockpit.metrics.expressions import Border, Both, Cell, Leaf, Several, evaluate
from cockpit.metrics.figures import NO_BASE, NO_DATA, NOT_KEPT, SUPPRESSED, Figure, growth, ratio, total
from cockpit.metrics.offering import comparisons, offers, parts, reading
from cockpit.metrics.periods import GROWTHS, Comparison, base, order, years_before
from cockpit.metrics.tables import Asked, FigureTable, Line, Values, values_of
from cockpit.query.places import Place
from cockpit.query.questions import Question, Reading, all_leaves, bases, readings

_Rows = dict[tuple[str, str], dict[Values, list[Shown]]]
"""Cells by place and period, then by their values of the dimensions that the question tells apart."""
_Side = tuple[Cell, Grouping]
"""A cell of a leaf, and the dimensions asked for that it has."""


Hide = Callable[
    [Sequence[Ask], Sequence[Sequence[CellRow]], Sequence[Sequence[str]]], Awaitable[list[list[Shown]]]
]
"""Returns the rows of some answers, and the empty ones of some places that the viewer must not know to be
empty: each with whether the viewer must not see it."""


HideCommon = Callable[[Overlap, Tree, str, str], Awaitable[bool]]
"""Returns whether the viewer must not see some counts of persons in both of two cells, along a tree, of a
place that is the second code, which is the first one or directly below it."""


async def answers(
    cells: Cells,
    questions: Sequence[Question],
    hide: Hide,
    hide_common: HideCommon,
    *,
    guarded: bool,
    top: Collection[str] = (),
) -> list[FigureTable]:
    """Answer some questions. All cells are of one moment if `Cells.hold` was called before.

    What `hide` and `hide_common` say the viewer must not see is suppressed, with all that follows from it; if
    `guarded`, so are persons by their number of programmes unless the place is one of `top`: parents less
    siblings would give them. Raises as `Cells.ask` does.
    """
    found = await _read(cells, questions, hide)
    evaluations = [
        _Evaluation(question, _indexed(question, found), guarded=guarded, top=top) for question in questions
    ]
    wanted = [(one, *pair) for one in evaluations for pair in one.pairs()]
    counts = await cells.common([pair for _, _, pair in wanted]) if wanted else []
    judged: dict[tuple[Overlap, Tree, str, str], bool] = {}
    for (evaluation, at, _), count in zip(wanted, counts, strict=True):
        question, (both, code, period, _) = evaluation.question, at
        key = (
            Overlap(both, question.calendar, period, question.asked),
            *(question.tree, question.own.code, code),
        )
        if key not in judged:
            judged[key] = await hide_common(*key)
        evaluation.common[at] = None if judged[key] else count
    for evaluation in evaluations:
        for where, ref, by in evaluation.several_wanted():
            evaluation.several[where] = await cells.several(ref, by)
    return [evaluation.table() for evaluation in evaluations]


class _Key(NamedTuple):
    """Cells to read, apart from their periods. Those of several questions are read once."""

    feed: FeedName
    tree: Tree
    calendar: Calendar
    codes: tuple[str, ...]
    by: Grouping
    only: tuple[tuple[Dimension, tuple[str, ...]], ...]
    below: bool
    among: tuple[str, ...] = ()


async def _read(cells: Cells, questions: Sequence[Question], hide: Hide) -> dict[_Key, list[Shown]]:
    periods: dict[_Key, set[str]] = {}
    places: dict[_Key, set[str]] = {}
    for question in questions:
        for one, wanted in readings(question).items():
            for key, codes in _keys_of(question, one):
                periods.setdefault(key, set()).update(wanted)
                places.setdefault(key, set()).update(codes)
    asks = [
        Ask(
            key.feed,
            key.tree,
            key.calendar,
            key.codes,
            sorted(wanted),
            key.by,
            {dimension: list(values) for dimension, values in key.only},
            below=key.below,
            among=key.among,
        )
        for key, wanted in periods.items()
    ]
    if not asks:
        return {}
    shown = await hide(asks, await cells.ask(asks), [sorted(places[key]) for key in periods])
    return dict(zip(periods, shown, strict=True))


def _keys_of(question: Question, one: Reading) -> Iterator[tuple[_Key, tuple[str, ...]]]:
    """Yield what is read for the place itself, and for those below it; each with the places.

    Schools have no cells of sectors, theirs are added up from those of stages; offices have.
    """
    only = tuple((dimension, values) for dimension, values in question.only.items() if dimension in one.by)
    own = (question.own.code,)
    key = _Key(one.feed, question.tree, question.calendar, own, one.by, only, below=False)
    if question.with_own and question.own.school == one.school:
        yield key, own
    below = tuple(child.code for child in question.children if child.school == one.school)
    if below and one.school and Dimension.SECTOR in one.by:
        yield key._replace(codes=below), below
    elif below:
        yield key._replace(below=True, among=below if question.some else ()), below


def _indexed(question: Question, found: Mapping[_Key, Sequence[Shown]]) -> dict[Reading, _Rows]:
    indexed: dict[Reading, _Rows] = {}
    for one in readings(question):
        rows = indexed.setdefault(one, {})
        for key, _ in _keys_of(question, one):
            for one_shown in found[key]:
                row = one_shown.row
                shown = values_of({by: row.values[by] for by in question.by if by in row.values})
                rows.setdefault((row.code, row.period), {}).setdefault(shown, []).append(one_shown)
    return indexed


class _Evaluation:
    """The figures of one answer, from the cells that were read. Pure.

    `common` has the persons in both cells of a leaf, by place, period and values, None if they are not shown;
    none are counted where one of the cells is empty.
    """

    def __init__(
        self, question: Question, rows: Mapping[Reading, _Rows], *, guarded: bool, top: Collection[str]
    ) -> None:
        self.question = question
        self._guarded = guarded
        self._rows = rows
        self._top = top
        self.several: dict[tuple[Cell, str, str], Counts] = {}
        self.common: dict[tuple[Both, str, str, Values], int | None] = {}

    def pairs(self) -> Iterator[tuple[tuple[Both, str, str, Values], Pair]]:
        """Yield the pairs of cells whose common persons the answer needs."""
        question = self.question
        wanted = list(dict.fromkeys(at for period in question.periods for at in bases(question, period)))
        for both, back in all_leaves(question):
            if not isinstance(both, Both):
                continue
            for place in question.places:
                for period in wanted:
                    for values in self._keys(place, period, [both]) if question.by else [()]:
                        at = years_before(period, back)
                        pair = self._pair(both, place, at, values)
                        if pair is not None:
                            yield (both, place.code, at, values), pair

    def several_wanted(self) -> Iterator[tuple[tuple[Cell, str, str], CellRef, Dimension]]:
        """Yield the places and periods whose persons are told apart by their number of values."""
        question = self.question
        wanted = list(dict.fromkeys(at for period in question.periods for at in bases(question, period)))
        leaves = [leaf for leaf, _ in all_leaves(question) if isinstance(leaf, Several)]
        for cell, over in dict.fromkeys((leaf.cell, leaf.over) for leaf in leaves):
            for place in question.places:
                side = cell, question.asked | {over}
                for period in wanted:
                    if self._tells(place) and self._sum(side, place, period, ()).value:
                        ref = CellRef(cell.feed, question.tree, question.calendar, place.code, period)
                        yield (cell, place.code, period), ref, over

    def table(self) -> FigureTable:
        """Return the answer."""
        question = self.question
        lines = [line for place in question.places for line in self._lines(place)]
        if Comparison.SHARE in question.comparisons:
            lines = _with_shares(lines, question)
        return FigureTable(question.tree, question.calendar, question.only, tuple(lines))

    def _lines(self, place: Place) -> Iterator[Line]:
        question = self.question
        leaves = [leaf for leaf, back in all_leaves(question) if not back]
        before: dict[tuple[Metric, Values], list[Figure]] = defaultdict(list)
        for period in sorted(question.periods, key=order):
            for values in self._keys(place, period, leaves) if question.by else [()]:
                figures: dict[Asked, Figure] = {}
                for metric in question.metrics:
                    figure = self._figure(metric, place, period, values)
                    before[metric, values].append(figure)
                    figures[Asked(metric.name)] = figure
                    for comparison in question.comparisons:
                        if comparison not in comparisons(metric, question.calendar) or figure == NOT_KEPT:
                            compared = NOT_KEPT
                        elif comparison in GROWTHS:
                            compared = self._grown(metric, comparison, place, period, values, figure)
                        else:
                            compared = total(before[metric, values])
                        figures[Asked(metric.name, comparison)] = compared
                yield Line(place.code, period, values, figures)

    def _grown(
        self,
        metric: Metric,
        comparison: Comparison,
        place: Place,
        period: str,
        values: Values,
        figure: Figure,
    ) -> Figure:
        other = base(self.question.calendar, period, comparison)
        if other is None:
            return NO_BASE
        return growth(figure, self._figure(metric, place, other, values), metric.unit)

    def _figure(self, metric: Metric, place: Place, period: str, values: Values) -> Figure:
        question = self.question
        if not offers(metric, question.calendar, question.asked, school=place.school):
            return NOT_KEPT
        assert metric.expression is not None

        def read(leaf: Leaf, back: int) -> Figure:
            at = years_before(period, back)
            if isinstance(leaf, Both):
                return self._both(leaf, place, at, values)
            if isinstance(leaf, Several):
                return self._several(leaf, place, at)
            return self._sum((leaf, question.asked), place, at, values)

        return evaluate(metric.expression, read)

    def _both(self, both: Both, place: Place, period: str, values: Values) -> Figure:
        for side, at in self._sides(both, period):
            figure = self._sum(side, place, at, values)
            if figure.value is None:
                return figure
        common = self.common.get((both, place.code, period, values), 0)
        return SUPPRESSED if common is None else Figure(Fraction(common))

    def _tells(self, place: Place) -> bool:
        return not self._guarded or place.code in self._top

    def _several(self, leaf: Several, place: Place, period: str) -> Figure:
        whole = self._sum((leaf.cell, self.question.asked | {leaf.over}), place, period, ())
        if whole.value is None:
            return whole
        counts = self.several.get((leaf.cell, place.code, period), Counts())
        if not self._tells(place) or (self._guarded and any(is_small((count,)) for count in counts)):
            return SUPPRESSED
        return Figure(Fraction(counts[leaf.number - 1]))

    def _pair(self, both: Both, place: Place, period: str, values: Values) -> Pair | None:
        """Return the two sides, None if one of them is empty."""
        sides = self._sides(both, period)
        if not all(self._sum(side, place, at, values).value for side, at in sides):
            return None
        one, other = (
            together(shown.row.side for shown in self._counted(side, place, at, values)) for side, at in sides
        )
        return one, other

    def _sides(self, both: Both, period: str) -> list[tuple[_Side, str]]:
        one, other = parts(both, self.question.asked)
        return [(one, period), (other, years_before(period, both.back))]

    def _sum(self, side: _Side, place: Place, period: str, values: Values) -> Figure:
        """Return the sum of a leaf's cells; no value if the place has sent nothing of the kind at all."""
        if not self._at(side, place, period):
            return NO_DATA
        cell, _ = side
        counted = self._counted(side, place, period, values)
        if any(one.hidden for one in counted):
            return SUPPRESSED
        return Figure(sum((Fraction(getattr(one.row, cell.measure.value)) for one in counted), Fraction(0)))

    def _counted(self, side: _Side, place: Place, period: str, values: Values) -> list[Shown]:
        """Return the rows that a leaf sums."""
        cell, asked = side
        shown = tuple(pair for pair in values if pair[0] in asked)
        found = self._at(side, place, period).get(shown, ())
        return [one for one in found if _counts(cell, one.row, place)]

    def _at(self, side: _Side, place: Place, period: str) -> Mapping[Values, list[Shown]]:
        cell, asked = side
        one = Reading(cell.feed, reading(cell, asked, school=place.school), place.school)
        return self._rows.get(one, {}).get((place.code, period), {})

    def _keys(self, place: Place, period: str, leaves: Sequence[Leaf]) -> list[Values]:
        """Return the combinations of values for which a place has facts."""
        found: set[Values] = set()
        for leaf in leaves:
            side = next(iter(parts(leaf, self.question.asked)))
            for values, rows in self._at(side, place, period).items():
                if any(_counts(side[0], one.row, place) for one in rows):
                    found.add(values)
        return sorted(found)


def _counts(cell: Cell, row: CellRow, place: Place) -> bool:
    """Return whether a cell is among those that a leaf sums."""
    if any(row.values[dimension] not in chosen for dimension, chosen in cell.only):
        return False
    if cell.border is None or place.school:
        return True
    level = Dimension.FROM_LEVEL if cell.border is Border.ENTERING else Dimension.TO_LEVEL
    return row.values[level] in place.levels_above


def _with_shares(lines: Iterable[Line], question: Question) -> list[Line]:
    """Return the lines with what each has of the sum of all lines of its place and period."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.place, line.period].append(line)
    found: list[Line] = []
    for group in groups.values():
        wholes = {
            metric: total(line.figures[Asked(metric.name)] for line in group)
            for metric in question.metrics
            if Comparison.SHARE in comparisons(metric, question.calendar)
        }
        found += (
            replace(
                line,
                figures={
                    **line.figures,
                    **{
                        Asked(metric.name, Comparison.SHARE): ratio(
                            line.figures[Asked(metric.name)], whole, percent=True
                        )
                        for metric, whole in wholes.items()
                    },
                },
            )
            for line in group
        )
    return found
