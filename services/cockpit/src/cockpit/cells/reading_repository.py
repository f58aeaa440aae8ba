"""Queries over cells."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells.models import Cell, CellCombination, CellNode, CellPersons
from cockpit.cells.rules import Calendar, Dimension, Grouping, Tree, name_of
from cockpit.directory.models import Unit
from contracts.vocabulary import Level

# Written out: SQLAlchemy takes as long to put such a query together as PostgreSQL to answer it.
_HERE_SQL = """
    SELECT q.number, n.code, f.period, CAST(c."values" AS text), f.id, f.version,
           f.amount, f.times, f.persons, f.weight
    FROM unnest(CAST(:place_numbers AS integer[]), CAST(:trees AS text[]), CAST(:codes AS text[]))
         k (number, tree, code)
    JOIN cell_nodes n ON n.code = k.code AND n.tree = k.tree
    JOIN unnest(CAST(:numbers AS integer[]), CAST(:feeds AS text[]), CAST(:groupings AS text[]),
                CAST(:onlys AS jsonb[]), CAST(:calendars AS text[]), CAST(:periods AS text[]))
         q (number, feed, dimensions, chosen, calendar, period) ON q.number = k.number
    JOIN cell_combinations c ON c.feed = q.feed AND c.dimensions = q.dimensions
    JOIN cell_figures f ON f.node_id = n.id AND f.calendar = q.calendar AND f.period = q.period
                       AND f.combination_id = c.id
    WHERE (f.times <> 0 OR f.amount <> 0 OR f.weight <> 0)
      AND NOT EXISTS (SELECT FROM jsonb_each(q.chosen) o (name, known)
                      WHERE NOT o.known @> (c."values" -> o.name))
"""
_BELOW_SQL = """
    SELECT q.number, n.code, f.period, CAST(c."values" AS text), f.id, f.version,
           f.amount, f.times, f.persons, f.weight
    FROM unnest(CAST(:below_place_numbers AS integer[]), CAST(:below_trees AS text[]),
                CAST(:below_codes AS text[]), CAST(:below_amongs AS jsonb[]))
         k (number, tree, code, among)
    JOIN cell_nodes a ON a.code = k.code AND a.tree = k.tree
    JOIN cell_nodes n ON n.parent_id = a.id AND (k.among IS NULL OR k.among ? n.code)
    JOIN unnest(CAST(:below_numbers AS integer[]), CAST(:below_feeds AS text[]),
                CAST(:below_groupings AS text[]), CAST(:below_onlys AS jsonb[]),
                CAST(:below_calendars AS text[]), CAST(:below_periods AS text[]))
         q (number, feed, dimensions, chosen, calendar, period) ON q.number = k.number
    JOIN cell_combinations c ON c.feed = q.feed AND c.dimensions = q.dimensions
    JOIN cell_figures f ON f.node_id = n.id AND f.calendar = q.calendar AND f.period = q.period
                       AND f.combination_id = c.id
    WHERE (f.times <> 0 OR f.amount <> 0 OR f.weight <> 0)
      AND NOT EXISTS (SELECT FROM jsonb_each(q.chosen) o (name, known)
                      WHERE NOT o.known @> (c."values" -> o.name))
"""
_BOTH_SQL = f"{_HERE_SQL} UNION ALL {_BELOW_SQL}"
_HERE, _BELOW, _BOTH = text(_HERE_SQL), text(_BELOW_SQL), text(_BOTH_SQL)

_ALL_BLOCKS = text(
    "SELECT cell_id, block, counter FROM cell_counters WHERE cell_id = ANY(CAST(:cells AS bigint[]))"
)
_BLOCKS = text(
    """
    SELECT p.cell_id, p.block, p.counter
    FROM cell_counters p
    JOIN (
        SELECT DISTINCT block FROM cell_counters
        WHERE cell_id = ANY(CAST(:cells AS bigint[])) AND block > :after
        ORDER BY block LIMIT :blocks
    ) b ON b.block = p.block
    WHERE p.cell_id = ANY(CAST(:cells AS bigint[])) AND p.block > :after
    """
)

# Steps from one period to the next: a place has hundreds of cells in each.
_PERIODS = text(
    """
    WITH RECURSIVE nodes AS (SELECT id FROM cell_nodes WHERE code = :code AND tree = :tree),
    whole AS (SELECT id FROM cell_combinations WHERE feed = :feed AND dimensions = ''),
    found (node, calendar, period) AS (
        SELECT n.id, c.calendar, (
            SELECT f.period FROM cell_figures f WHERE f.node_id = n.id AND f.calendar = c.calendar
            ORDER BY f.period LIMIT 1
        )
        FROM nodes n CROSS JOIN unnest(CAST(:calendars AS text[])) c (calendar)
        UNION ALL
        SELECT s.node, s.calendar, (
            SELECT f.period FROM cell_figures f
            WHERE f.node_id = s.node AND f.calendar = s.calendar AND f.period > s.period
            ORDER BY f.period LIMIT 1
        )
        FROM found s WHERE s.period IS NOT NULL
    )
    SELECT DISTINCT s.calendar, s.period
    FROM found s
    JOIN whole w ON true
    JOIN cell_figures f ON f.node_id = s.node AND f.calendar = s.calendar AND f.period = s.period
                       AND f.combination_id = w.id
    WHERE f.times <> 0 OR f.amount <> 0 OR f.weight <> 0
    ORDER BY s.period
    """
)

_ANYTHING = or_(Cell.times != 0, Cell.amount != 0, Cell.weight != 0)


@dataclass(frozen=True)
class Selection:
    """The cells of a grouping at the places with some codes, or (`below`) directly below them.

    `among` limits the places below; empty are all.
    """

    feed: str
    tree: Tree
    calendar: Calendar
    codes: Sequence[str]
    periods: Sequence[str]
    grouping: Grouping = frozenset()
    only: Mapping[Dimension, Collection[str]] = field(default_factory=dict)
    below: bool = False
    among: Sequence[str] = ()


class Stored(NamedTuple):
    """A stored cell, and which of the selections it belongs to."""

    selection: int
    code: str
    period: str
    values: dict[str, str]
    cell_id: int
    version: int
    amount: Any
    times: int
    persons: int
    weight: Any


class CellReader:
    """Read cells."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def select(self, selections: Sequence[Selection]) -> list[Stored]:
        """Return the cells of some selections.

        One statement: between two, a batch could be committed, and a unit have less than those below it.
        """
        here = [(number, one) for number, one in enumerate(selections) if not one.below]
        below = [(number, one) for number, one in enumerate(selections) if one.below]
        if not below:
            found: Any = await self._session.execute(_HERE, _parameters("", here))
        elif not here:
            found = await self._session.execute(_BELOW, _parameters("below_", below))
        else:
            found = await self._session.execute(_BOTH, _parameters("", here) | _parameters("below_", below))
        return [Stored._make((*row[:3], _values(row[3]), *row[4:])) for row in found]

    async def counters(self, cells: Sequence[int]) -> list[tuple[int, int, bytes]]:
        """Return the counters of some cells: cell, block, counter."""
        rows = await self._session.execute(
            select(CellPersons.cell_id, CellPersons.block, CellPersons.counter).where(
                CellPersons.cell_id.in_(cells)
            )
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def blocks(
        self, cells: Sequence[int], after: int, blocks: int | None
    ) -> list[tuple[int, int, bytes]]:
        """Return the counters of some cells in the next blocks after one, or (None) in all of them."""
        rows: Any = await self._session.execute(
            _ALL_BLOCKS if blocks is None else _BLOCKS,
            {"cells": list(cells), **({} if blocks is None else {"after": after, "blocks": blocks})},
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def some_blocks(self, cells: Sequence[int], after: int, limit: int) -> list[tuple[int, int, bytes]]:
        """Return the counters of some cells in the next `limit` blocks in which any of them has persons."""
        blocks = (
            select(CellPersons.block)
            .where(
                CellPersons.cell_id == func.any(literal(list(cells), ARRAY(BigInteger))),
                CellPersons.block > after,
            )
            .distinct()
            .order_by("block")
            .limit(limit)
            .subquery()
        )
        rows = await self._session.execute(
            select(CellPersons.cell_id, CellPersons.block, CellPersons.counter)
            .join(blocks, blocks.c.block == CellPersons.block)
            .where(CellPersons.cell_id.in_(cells))
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def periods(
        self, feed: str, tree: Tree, calendars: Sequence[Calendar], code: str
    ) -> dict[Calendar, list[str]]:
        """Return the periods with figures at the places with a code, ascending, by calendar."""
        rows: Any = await self._session.execute(
            _PERIODS,
            {
                "feed": feed,
                "tree": tree.value,
                "code": code,
                "calendars": [calendar.value for calendar in calendars],
            },
        )
        found: dict[Calendar, list[str]] = {calendar: [] for calendar in calendars}
        for calendar, period in rows:
            found[Calendar(calendar)].append(period)
        return found

    async def any_school(self, codes: Sequence[str], *, below: bool) -> bool:
        """Return whether one of some units, or of those directly below them, is a school."""
        statement = select(Unit.id).where(Unit.level == Level.SCHOOL)
        if below:
            above = select(Unit.id).where(Unit.code.in_(codes))
            statement = statement.where(Unit.parent_id.in_(above))
        else:
            statement = statement.where(Unit.code.in_(codes))
        return await self._session.scalar(statement.limit(1)) is not None

    # For `verify`

    async def paths(self, tree: Tree, code: str) -> list[str]:
        """Return the paths of the places with a code."""
        return list(
            await self._session.scalars(
                select(CellNode.path).where(CellNode.code == code, CellNode.tree == tree)
            )
        )

    async def slice(self, feed: str, path: str, year: int, limit: int) -> list[Stored]:
        """Return the cells of one place whose periods begin with a year; `code` is the calendar."""
        rows: Any = await self._session.execute(
            select(
                literal(0),
                Cell.calendar,
                Cell.period,
                CellCombination.values,
                *_FIGURES,
            )
            .join(CellNode, CellNode.id == Cell.node_id)
            .join(CellCombination, CellCombination.id == Cell.combination_id)
            .where(
                CellNode.path == path,
                CellCombination.feed == feed,
                func.left(Cell.period, 4) == str(year),
                _ANYTHING,
            )
            .limit(limit)
        )
        return [Stored(*row) for row in rows]

    async def some_slices(self, feed: str, choices: Sequence[float]) -> list[tuple[Tree, str, int]]:
        """Return places with a year of theirs: the roots, and for each choice (0–1) the place there.

        A place without figures of the feed is left out.
        """
        last = await self._session.scalar(select(func.max(CellNode.id))) or 0
        year = func.max(func.left(Cell.period, 4))
        rows = await self._session.execute(
            select(CellNode.tree, CellNode.path, year)
            .join(Cell, Cell.node_id == CellNode.id)
            .join(CellCombination, CellCombination.id == Cell.combination_id)
            .where(
                CellNode.parent_id.is_(None) | CellNode.id.in_([int(last * choice) for choice in choices]),
                CellCombination.feed == feed,
                CellCombination.dimensions == "",
            )
            .group_by(CellNode.id)
            .order_by(CellNode.path)
        )
        return [(row[0], row[1], int(row[2])) for row in rows]


_FIGURES = (
    *(Cell.id, Cell.version, Cell.amount),
    *(Cell.times, Cell.persons, Cell.weight),
)


def _parameters(prefix: str, selections: Sequence[tuple[int, Selection]]) -> dict[str, Any]:
    """Return a row for each place, and for each period, of the selections."""
    places = [
        (number, one.tree.value, code, json.dumps(list(one.among)) if one.among else None)
        for number, one in selections
        for code in one.codes
    ]
    asked = [
        (
            number,
            one.feed,
            name_of(one.grouping),
            json.dumps({name.value: sorted(values) for name, values in one.only.items()}),
            one.calendar.value,
            period,
        )
        for number, one in selections
        for period in one.periods
    ]
    names: tuple[tuple[str, ...], tuple[str, ...]] = (
        ("place_numbers", "trees", "codes", "amongs"),
        ("numbers", "feeds", "groupings", "onlys", "calendars", "periods"),
    )
    tables: tuple[tuple[Sequence[tuple[Any, ...]], tuple[str, ...]], ...] = (
        (places, names[0]),
        (asked, names[1]),
    )
    return {
        f"{prefix}{name}": [row[at] for row in rows]
        for rows, columns in tables
        for at, name in enumerate(columns)
    }


@lru_cache(maxsize=10_000)
def _values(given: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(given)
    return found
