"""Answers to questions and tables of views as tables of files. Pure."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal

from cockpit.cells.dimensions import Calendar, Tree
from cockpit.exports import rules
from cockpit.exports.rules import Asker, Rows, Stream, Table
from cockpit.metrics.declarations import METRICS
from cockpit.metrics.figures import Figure, Unit, exact
from cockpit.metrics.offering import WORDS
from cockpit.metrics.periods import title
from cockpit.metrics.tables import FigureTable, unit_of
from cockpit.query import writing
from cockpit.query.questions import Question
from cockpit.query.schemas import ColumnOut, FigureOut, PlaceOut
from cockpit.query.service import Large
from cockpit.views.schemas import ViewOut
from contracts.vocabulary import Level
from filekit.xlsx_writer import Cell

_PLACE = ("代码", "名称", "层级")


def stream_of(large: Large, now: datetime, asker: Asker) -> Stream:
    """Return the answer to a question as a table that is read while it is written."""
    question = large.question
    columns = [writing.column(asked) for asked in question.figures]
    own = question.own
    chosen = [
        ("筛选", f"{dimension.label}：{'、'.join(WORDS[dimension][value] for value in values)}")
        for dimension, values in question.only.items()
    ]
    return Stream(
        f"指标查询-{own.name}",
        [*_PLACE, "时期", *(one.label for one in question.by), *map(_heading, columns)],
        [
            *chosen,
            *_notes(own.name, own.code, question.tree, question.calendar, columns, large.as_of, now, asker),
        ],
        blocks=_blocks(large),
    )


def table_of(view: ViewOut, now: datetime, asker: Asker) -> Table:
    """Return the children of a view as a table, with what the place has besides them."""
    place, columns = view.place, view.child_columns
    rows: list[list[Cell]] = [
        [*_place(child.place), *(_cell(figure) for figure in child.figures)] for child in view.children
    ]
    rows.append([place.code, f"{place.name}（本级）", _level(place), *map(_cell, view.own)])
    sector = [] if view.sector is None else [("教育类别", view.sector.label)]
    return Table(
        f"{view.title}-{place.name}-{view.period_title}",
        [*_PLACE, *map(_heading, columns)],
        [
            *sector,
            *_notes(
                *(place.name, place.code, view.tree, view.calendar, columns, view.as_of, now, asker),
                period=view.period_title,
            ),
        ],
        rows,
    )


async def _blocks(large: Large) -> AsyncIterator[Rows]:
    question = large.question
    places = {place.code: PlaceOut.of(place) for place in question.places}
    async for table in large.tables:
        yield _rows(table, question, places)


def _rows(table: FigureTable, question: Question, places: dict[str, PlaceOut]) -> Rows:
    units = [unit_of(METRICS[asked.metric].unit, asked.comparison) for asked in question.figures]
    return [
        [
            *_place(places[line.place]),
            title(question.calendar, line.period),
            *(WORDS[dimension].get(value, value) for dimension, value in line.values),
            *(_exact(line.figures[asked], unit) for asked, unit in zip(question.figures, units, strict=True)),
        ]
        for line in table.lines
    ]


def _exact(figure: Figure, unit: Unit) -> Cell:
    if figure.suppressed:
        return rules.HIDDEN
    value = exact(figure, unit)
    return None if value is None else Decimal(value)


def _cell(figure: FigureOut) -> Cell:
    if figure.suppressed:
        return rules.HIDDEN
    return None if figure.value is None else Decimal(figure.value)


def _place(place: PlaceOut) -> tuple[Cell, ...]:
    return place.code, place.name, _level(place)


def _level(place: PlaceOut) -> str:
    return Level(place.level).label


def _heading(column: ColumnOut) -> str:
    return f"{column.name}（{column.unit}）"


def _notes(
    name: str,
    code: str,
    tree: Tree,
    calendar: Calendar,
    columns: Sequence[ColumnOut],
    as_of: datetime,
    now: datetime,
    asker: Asker,
    *,
    period: str | None = None,
) -> list[tuple[str, str]]:
    scopes = [f"{METRICS[column.metric].chinese}：{column.scope}" for column in columns]
    when = f"按{calendar.label}统计" if period is None else f"{period}（{calendar.label}）"
    return rules.notes(f"{name}（{code}），按{tree.label}关系", when, scopes, as_of, now, asker)
