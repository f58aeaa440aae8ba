"""The page of a module: which questions it asks, and how it is written from their answers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from cockpit.cells.dimensions import Calendar, Dimension, Sector, Tree
from cockpit.metrics.catalogue import Metric, MetricName
from cockpit.metrics.declarations import METRICS
from cockpit.metrics.figures import NO_DATA, SUPPRESSED, Figure, Unit, difference, ratio
from cockpit.metrics.offering import WORDS, offers, summable
from cockpit.metrics.periods import GROWTHS, Comparison, order, title, years_before
from cockpit.metrics.tables import Asked, FigureTable, Line, Values
from cockpit.query import writing
from cockpit.query.places import Place
from cockpit.query.questions import Question
from cockpit.query.schemas import FigureOut, PlaceOut
from cockpit.views.schemas import (
    BreakdownOut,
    ChildOut,
    KeyFigureOut,
    LinksOut,
    PartOut,
    PeriodOut,
    PeriodsOut,
    PointOut,
    StepOut,
    TrendOut,
    ViewOut,
)
from cockpit.views.specs import Breakdown, ViewSpec

TREND = 12
"""Periods of a trend: those up to the one shown."""


class Frame(NamedTuple):
    """What all questions of a view have in common."""

    spec: ViewSpec
    sector: Sector | None
    tree: Tree
    calendar: Calendar
    period: str
    own: Place
    children: tuple[Place, ...]

    @property
    def only(self) -> dict[Dimension, tuple[str, ...]]:
        """The limits of all questions."""
        return {} if self.sector is None else {Dimension.SECTOR: (self.sector.value,)}

    def metrics(self, names: Iterable[MetricName], by: Iterable[Dimension] = ()) -> tuple[Metric, ...]:
        """Return the metrics; of a breakdown, only those that can be told apart like this."""
        dimensions = tuple(by)
        asked = frozenset((*dimensions, *self.only))
        return tuple(
            METRICS[name]
            for name in names
            if not dimensions or offers(METRICS[name], self.calendar, asked, school=self.own.school)
        )

    def question(
        self,
        metrics: tuple[Metric, ...],
        periods: Sequence[str],
        *,
        by: tuple[Dimension, ...] = (),
        comparisons: tuple[Comparison, ...] = (),
        children: bool = False,
        calendar: Calendar | None = None,
    ) -> Question:
        """Return a question about the place, or about those below it."""
        return Question(
            metrics=metrics,
            tree=self.tree,
            calendar=calendar or self.calendar,
            periods=tuple(periods),
            own=self.own,
            with_own=not children,
            children=self.children if children else (),
            comparisons=comparisons,
            by=tuple(sorted(by)),
            only=self.only,
        )


class Page:
    """The page of a module for one frame. `known` are the periods with figures, ascending."""

    def __init__(self, frame: Frame, known: Sequence[str]) -> None:
        self._frame = frame
        spec = frame.spec
        until = [period for period in known if order(period) <= order(frame.period)]
        trend = until[-TREND:] or [frame.period]
        self._key = frame.question(frame.metrics(spec.key), [frame.period], comparisons=GROWTHS)
        self._before = frame.question(frame.metrics(spec.key), [years_before(frame.period)])
        self._trend = frame.question(frame.metrics(spec.trend), trend)
        self._months = self._of_months()
        self._breakdowns = [found for one in spec.breakdowns if (found := self._breakdown(one)) is not None]
        self._children = frame.question(frame.metrics(spec.children), [frame.period], children=True)
        self._compared = frame.question(
            frame.metrics(spec.compared),
            [frame.period],
            comparisons=(Comparison.YEAR_ON_YEAR,),
            children=True,
        )
        self._whole = frame.question(frame.metrics(spec.children), [frame.period])

    def questions(self) -> list[Question]:
        """Return what must be answered for the page."""
        return [
            *(self._key, self._before, self._trend, self._children, self._compared, self._whole),
            *([] if self._months is None else [self._months]),
            *self._breakdowns,
        ]

    def written(
        self,
        tables: Sequence[FigureTable],
        available: Mapping[Calendar, Sequence[str]],
        *,
        hides_own: bool,
        trail: Iterable[Place],
        as_of: datetime,
    ) -> ViewOut:
        """Write the page from the answers to its questions, in their order."""
        frame = self._frame
        key, before, trend, children, compared, whole, *rest = tables
        months = None if self._months is None else _trend(self._months, rest.pop(0))
        columns = self._child_columns()
        return ViewOut(
            module=frame.spec.module,
            title=frame.spec.module.label,
            sector=frame.sector,
            tree=frame.tree,
            place=PlaceOut.of(frame.own),
            trail=[PlaceOut.of(place) for place in trail],
            calendar=frame.calendar,
            period=frame.period,
            period_title=title(frame.calendar, frame.period),
            as_of=as_of,
            available=[_periods(calendar, found) for calendar, found in available.items()],
            key_figures=self._key_figures(key, before),
            trend=_trend(self._trend, trend),
            months=months,
            breakdowns=[
                _breakdown(question, table) for question, table in zip(self._breakdowns, rest, strict=True)
            ],
            funnel=self._funnel(key),
            child_columns=[writing.column(asked) for asked in columns],
            own=self._own(columns, whole, children, hides_own=hides_own),
            children=[self._child(place, columns, children, compared) for place in frame.children],
            links=LinksOut(
                dictionary=f"/api/v1/metrics?module={frame.spec.module.value}", query="/api/v1/query"
            ),
        )

    def _of_months(self) -> Question | None:
        frame = self._frame
        if not frame.spec.months or frame.calendar is not Calendar.YEAR:
            return None
        periods = [f"{frame.period}-{month:02d}" for month in range(1, 13)]
        return frame.question(frame.metrics(frame.spec.months), periods, calendar=Calendar.MONTH)

    def _breakdown(self, one: Breakdown) -> Question | None:
        frame = self._frame
        metrics = frame.metrics(one.metrics, one.by)
        if not metrics:
            return None
        shared = any(summable(metric.expression) for metric in metrics)
        comparisons = (Comparison.SHARE,) if shared else ()
        return frame.question(metrics, [frame.period], by=one.by, comparisons=comparisons)

    def _key_figures(self, key: FigureTable, before: FigureTable) -> list[KeyFigureOut]:
        (now,), (then,) = key.lines, before.lines
        return [
            KeyFigureOut(
                metric=metric.name,
                name=metric.chinese,
                unit=metric.unit.label,
                scope=metric.scope,
                figure=_written(now, metric),
                before=_written(then, metric),
                year_on_year=_written(now, metric, Comparison.YEAR_ON_YEAR),
                previous_period=_written(now, metric, Comparison.PREVIOUS_PERIOD),
            )
            for metric in self._key.metrics
        ]

    def _funnel(self, key: FigureTable) -> list[StepOut]:
        (line,) = key.lines
        steps = [(METRICS[name], line.figures[Asked(name)]) for name in self._frame.spec.funnel]
        return [
            StepOut(
                metric=metric.name,
                name=metric.chinese,
                figure=FigureOut.of(figure, metric.unit),
                of_previous=_percent(figure, steps[max(0, place - 1)][1]),
                of_first=_percent(figure, steps[0][1]),
            )
            for place, (metric, figure) in enumerate(steps)
        ]

    def _child_columns(self) -> list[Asked]:
        compared = {metric.name for metric in self._compared.metrics}
        columns: list[Asked] = []
        for metric in self._children.metrics:
            columns.append(Asked(metric.name))
            if metric.name in compared:
                columns.append(Asked(metric.name, Comparison.YEAR_ON_YEAR))
        return columns

    def _own(
        self, columns: Iterable[Asked], whole: FigureTable, children: FigureTable, *, hides_own: bool
    ) -> list[FigureOut]:
        """Return what the places below do not have: a place that has sent nothing has none of it."""
        (line,) = whole.lines
        found: list[FigureOut] = []
        for asked in columns:
            metric = METRICS[asked.metric]
            figure = NO_DATA
            if metric.additive and asked.comparison is None:
                parts = (child.figures[asked] for child in children.lines)
                given = [part for part in parts if part.value is not None or part.suppressed]
                figure = SUPPRESSED if hides_own else difference(line.figures[asked], *given)
            found.append(FigureOut.of(figure, metric.unit, asked.comparison))
        return found

    def _child(
        self, place: Place, columns: Iterable[Asked], children: FigureTable, compared: FigureTable
    ) -> ChildOut:
        plain = children.line(place.code, self._frame.period)
        grown = compared.line(place.code, self._frame.period)
        assert plain is not None
        assert grown is not None
        both = Line(place.code, plain.period, plain.values, {**plain.figures, **grown.figures})
        return ChildOut(
            place=PlaceOut.of(place), figures=writing.figures(both, columns), view=self._view_of(place)
        )

    def _view_of(self, place: Place) -> str | None:
        frame = self._frame
        if frame.tree is Tree.AUTHORITY and place.unit_id is None:
            return None
        where = (
            {"unit": str(place.unit_id)}
            if frame.tree is Tree.AUTHORITY
            else {"tree": frame.tree.value, "region": place.code}
        )
        sector = {} if frame.sector is None else {"sector": frame.sector.value}
        when = {"calendar": frame.calendar.value, "period": frame.period}
        return f"/api/v1/views/{frame.spec.module.value}?{urlencode({**where, **sector, **when})}"


def _periods(calendar: Calendar, found: Iterable[str]) -> PeriodsOut:
    ordered = sorted(found, key=order, reverse=True)
    return PeriodsOut(
        calendar=calendar,
        periods=[PeriodOut(period=period, title=title(calendar, period)) for period in ordered],
    )


def _trend(question: Question, table: FigureTable) -> TrendOut:
    return TrendOut(
        columns=[writing.column(asked) for asked in question.figures],
        points=[
            PointOut(
                period=line.period,
                title=title(question.calendar, line.period),
                figures=writing.figures(line, question.figures),
            )
            for line in table.lines
        ],
    )


def _breakdown(question: Question, table: FigureTable) -> BreakdownOut:
    columns = [
        asked
        for asked in question.figures
        if asked.comparison is None or summable(METRICS[asked.metric].expression)
    ]
    return BreakdownOut(
        dimensions=writing.dimensions(question.by),
        columns=[writing.column(asked) for asked in columns],
        parts=[
            PartOut(values=dict(line.values), name=_name(line.values), figures=writing.figures(line, columns))
            for line in sorted(table.lines, key=lambda line: _place(line.values))
        ],
    )


def _name(values: Values) -> str:
    return "，".join(WORDS[dimension].get(value, value) for dimension, value in values)


def _place(values: Values) -> list[int]:
    """Return the place of a part: values in the order of their declaration."""
    return [list(WORDS[dimension]).index(value) for dimension, value in values]


def _written(line: Line, metric: Metric, comparison: Comparison | None = None) -> FigureOut:
    return FigureOut.of(line.figures[Asked(metric.name, comparison)], metric.unit, comparison)


def _percent(part: Figure, whole: Figure) -> FigureOut:
    return FigureOut.of(ratio(part, whole, percent=True), Unit.PERCENT)
