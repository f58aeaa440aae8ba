"""Answers questions of a viewer: validates, bounds the cost, finds the places, reads and writes figures."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from authkit.principal import Principal
from cockpit.cells.service import Cells
from cockpit.disclosure.service import Disclosure
from cockpit.metrics.catalogue import MetricName
from cockpit.metrics.declarations import METRICS
from cockpit.metrics.expressions import cells as cells_of
from cockpit.metrics.offering import (
    WORDS,
    calendars,
    comparisons,
    counts_persons,
    groupings,
    offers,
)
from cockpit.metrics.periods import valid
from cockpit.metrics.tables import FigureTable
from cockpit.query import questions, writing
from cockpit.query.errors import QuestionNotOffered, QuestionTooLarge
from cockpit.query.evaluating import answers
from cockpit.query.places import Place
from cockpit.query.placing import Places
from cockpit.query.questions import Question
from cockpit.query.schemas import (
    PlaceOut,
    QueryIn,
    QueryOut,
    RowOut,
    Rows,
)
from servicekit.clock import Clock
from servicekit.problems import FieldError


@dataclass(frozen=True)
class Size:
    """The place of a question, and how many lines and figures its answer has at most."""

    own: Place
    lines: int
    figures: int


@dataclass(frozen=True)
class Large:
    """An answer in blocks: the question with all its places, and tables whose lines follow each other."""

    question: Question
    as_of: datetime
    tables: AsyncIterator[FigureTable]


class Queries:
    """Answer questions within the caller's reach. Reads cells only, so PostgreSQL only."""

    def __init__(self, clock: Clock, places: Places, cells: Cells, disclosure: Disclosure) -> None:
        self._clock = clock
        self._places = places
        self._cells = cells
        self._disclosure = disclosure

    async def ask(self, actor: Principal, asked: QueryIn) -> QueryOut:
        """Answer a question. Raises `QuestionNotOffered`, `QuestionTooLarge`, and as `Places.own` does."""
        question = await self._question(actor, asked)
        await self._cells.hold()
        if asked.rows is not Rows.OWN:
            found = await self._places.children(question.tree, question.own)
            _bound(question, len(found) + question.with_own)
            question = replace(question, children=found + await self._others(question, found))
        _bound(question, len(question.places))
        table = await self._answer(actor, question)
        return _written(question, table, await self._cells.as_of(self._clock.now()))

    async def size(self, actor: Principal, asked: QueryIn) -> Size:
        """Return how large the answer to a question can be that is read in blocks.

        Raises `QuestionNotOffered`, `QuestionTooLarge` if it is too large for that, and as `Places.own` does.
        """
        question = await self._question(actor, asked)
        places = int(question.with_own)
        if asked.rows is not Rows.OWN:
            places += len(await self._places.children(question.tree, question.own))
        _bound_blocks(question, places)
        return Size(question.own, questions.lines(places, question), questions.cost(places, question))

    async def blocks(self, actor: Principal, asked: QueryIn) -> Large:
        """Answer a question of any size, all of it at one moment. Raises as `size` does.

        Holds the session's transaction until the last block has been read.
        """
        question = await self._question(actor, asked)
        await self._cells.hold()
        if asked.rows is not Rows.OWN:
            found = await self._places.children(question.tree, question.own)
            question = replace(question, children=found + await self._others(question, found))
        _bound_blocks(question, len(question.places))
        as_of = await self._cells.as_of(self._clock.now())
        return Large(question, as_of, self._read(actor, question))

    async def _read(self, actor: Principal, question: Question) -> AsyncIterator[FigureTable]:
        for block in _blocks(question):
            yield await self._answer(actor, block)

    async def _question(self, actor: Principal, asked: QueryIn) -> Question:
        """Return a question that is offered, without places below its own."""
        _validate(asked)
        own = await self._places.own(actor, asked.tree, asked.unit, asked.region, "query")
        return Question(
            metrics=tuple(METRICS[name] for name in asked.metrics),
            tree=asked.tree,
            calendar=asked.calendar,
            periods=tuple(asked.periods),
            own=own,
            with_own=asked.rows is not Rows.CHILDREN,
            comparisons=tuple(asked.comparisons),
            by=tuple(sorted(asked.dimensions)),
            only={dimension: tuple(values) for dimension, values in asked.filters.items()},
        )

    async def _answer(self, actor: Principal, question: Question) -> FigureTable:
        (table,) = await answers(
            self._cells,
            [question],
            partial(self._disclosure.shown, actor),
            partial(self._disclosure.hides_common, actor),
            guarded=self._disclosure.guards(actor, question.tree),
            top=self._disclosure.top(actor),
        )
        return table

    async def _others(self, question: Question, known: tuple[Place, ...]) -> tuple[Place, ...]:
        feeds = dict.fromkeys(
            cell.feed
            for metric in question.metrics
            if metric.expression is not None
            for cell in cells_of(metric.expression)
        )
        return await self._places.others(
            question.tree, question.calendar, question.own, known, feeds, question.periods
        )


def _bound(question: Question, places: int) -> None:
    """Refuse a question whose answer could be too large, before anything is read for it."""
    figures = questions.cost(places, question)
    if figures > questions.FIGURES:
        raise QuestionTooLarge(
            f"所查数据最多可有 {figures:,} 个数值，超过一次 {questions.FIGURES:,} 个的上限。"
            "请减少单位、时期、维度或指标。"
        )
    pairs = questions.intersections(places, question)
    if pairs > questions.INTERSECTIONS:
        raise QuestionTooLarge(
            f"所查指标需对 {pairs:,} 组名单取交集，超过一次 {questions.INTERSECTIONS:,} 组的上限。"
            "请减少单位、时期或维度。"
        )


def _bound_blocks(question: Question, places: int) -> None:
    """Refuse a question that is too large even in blocks, or of which one place is too large for a block."""
    _bound(question, 1)
    figures = questions.cost(places, question)
    if figures > questions.FIGURES_IN_BLOCKS:
        raise QuestionTooLarge(
            f"所查数据最多可有 {figures:,} 个数值，超过一次导出 {questions.FIGURES_IN_BLOCKS:,} 个的上限。"
            "请减少单位、时期、维度或指标。"
        )
    pairs = questions.intersections(places, question)
    if pairs > questions.INTERSECTIONS_IN_BLOCKS:
        raise QuestionTooLarge(
            f"所查指标需对 {pairs:,} 组名单取交集，超过一次导出 {questions.INTERSECTIONS_IN_BLOCKS:,} "
            "组的上限。请减少单位、时期或维度。"
        )


def _blocks(question: Question) -> Iterator[Question]:
    """Yield questions about some of the places each, none of which is too large."""
    if question.with_own:
        yield replace(question, children=())
    pairs = questions.intersections(1, question)
    most = min(
        questions.FIGURES // questions.cost(1, question), questions.INTERSECTIONS // pairs if pairs else 10**9
    )
    for start in range(0, len(question.children), most):
        block = question.children[start : start + most]
        yield replace(question, with_own=False, children=block, some=len(question.children) > most)


def _validate(asked: QueryIn) -> None:
    errors = [
        *_bad_values(asked),
        *(error for at in enumerate(asked.metrics) for error in _bad_metric(asked, *at)),
    ]
    if errors:
        raise QuestionNotOffered(errors=errors)


def _bad_values(asked: QueryIn) -> Iterable[FieldError]:
    for place, period in enumerate(asked.periods):
        if not valid(asked.calendar, period):
            yield FieldError.at("periods", place, detail=f"不是{asked.calendar.label}的时期")
    for dimension, values in asked.filters.items():
        for place, value in enumerate(values):
            if value not in WORDS[dimension]:
                known = "、".join(WORDS[dimension])
                detail = f"{dimension.label}没有这个取值，应为：{known}"
                yield FieldError.at("filters", dimension.value, place, detail=detail)


def _bad_metric(asked: QueryIn, place: int, name: MetricName) -> Iterable[FieldError]:
    metric = METRICS[name]
    if metric.expression is None:
        yield FieldError.at(
            "metrics", place, detail=f"“{metric.chinese}”是公布的数据，见资助概览和公布的数据"
        )
        return
    offered = calendars(metric)
    if asked.calendar not in offered:
        words = "、".join(one.label for one in offered)
        yield FieldError.at("metrics", place, detail=f"“{metric.chinese}”只能按{words}查询")
        return
    limited = frozenset((*asked.dimensions, *asked.filters))
    if not offers(metric, asked.calendar, limited):
        words = "；".join("×".join(one.label for one in group) for group in groupings(metric, asked.calendar))
        detail = f"“{metric.chinese}”不能这样分组，可用的维度：{words or '无'}"
        yield FieldError.at("metrics", place, detail=detail)
    if counts_persons(metric):
        for dimension, values in asked.filters.items():
            if dimension not in asked.dimensions and len(values) > 1:
                word = dimension.label
                detail = f"“{metric.chinese}”不能跨{word}相加：只能选一个取值，或同时按{word}分行"
                yield FieldError.at("filters", dimension.value, detail=detail)
    for number, comparison in enumerate(asked.comparisons):
        if comparison not in comparisons(metric, asked.calendar):
            detail = f"“{metric.chinese}”按{asked.calendar.label}没有{comparison.label}"
            yield FieldError.at("comparisons", number, detail=detail)


def _written(question: Question, table: FigureTable, as_of: datetime) -> QueryOut:
    return QueryOut(
        tree=question.tree,
        calendar=question.calendar,
        as_of=as_of,
        columns=[writing.column(asked) for asked in question.figures],
        dimensions=writing.dimensions(question.by),
        places=[PlaceOut.of(place) for place in question.places],
        rows=[
            RowOut(
                place=line.place,
                period=line.period,
                values=dict(line.values),
                figures=writing.figures(line, question.figures),
            )
            for line in table.lines
        ],
    )
