"""Queries over cells, and the statements that add a load to them.

A load changes thousands of cells: each statement takes one array per column.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, null, select, text, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells.counters import Counter
from cockpit.cells.models import Cell, CellNode, CellPersons
from cockpit.cells.rules import ALL, Calendar, Delta, Key, code_of

_NEW_NODES = text(
    """
    INSERT INTO cell_nodes (path, code, parent_id)
    SELECT text2ltree(n.path), n.code, p.id
    FROM unnest(CAST(:paths AS text[]), CAST(:codes AS text[]), CAST(:parents AS text[]))
         n (path, code, parent)
    LEFT JOIN cell_nodes p ON p.path = text2ltree(n.parent)
    ORDER BY n.path
    ON CONFLICT (path) DO NOTHING
    """
)
_NODES = text(
    """
    SELECT n.path, c.id
    FROM unnest(CAST(:paths AS text[])) n (path) JOIN cell_nodes c ON c.path = text2ltree(n.path)
    """
)
_ADD = text(
    """
    INSERT INTO cells (node_id, feed, calendar, period, stage, programme, funding, amount, times, persons)
    SELECT n.node_id, :feed, n.calendar, n.period, n.stage, n.programme, n.funding, n.amount, n.times, 0
    FROM unnest(CAST(:nodes AS integer[]), CAST(:calendars AS text[]), CAST(:periods AS text[]),
                CAST(:stages AS text[]), CAST(:programmes AS text[]), CAST(:fundings AS text[]),
                CAST(:amounts AS numeric[]), CAST(:times AS bigint[]))
         WITH ORDINALITY
         n (node_id, calendar, period, stage, programme, funding, amount, times, place)
    ORDER BY n.place
    ON CONFLICT (node_id, feed, calendar, period, stage, programme, funding)
    DO UPDATE SET amount = cells.amount + excluded.amount, times = cells.times + excluded.times
    RETURNING id, node_id, calendar, period, stage, programme, funding
    """
)
_COUNTERS = text(
    """
    SELECT p.cell_id, p.block, p.counter
    FROM unnest(CAST(:cells AS bigint[]), CAST(:blocks AS integer[])) n (cell_id, block)
    JOIN cell_persons p USING (cell_id, block)
    """
)
_SET_COUNTERS = text(
    """
    INSERT INTO cell_persons (cell_id, block, counter)
    SELECT * FROM unnest(CAST(:cells AS bigint[]), CAST(:blocks AS integer[]), CAST(:counters AS bytea[]))
    ON CONFLICT (cell_id, block) DO UPDATE SET counter = excluded.counter
    """
)
_ADD_PERSONS = text(
    """
    UPDATE cells SET persons = cells.persons + n.persons
    FROM unnest(CAST(:cells AS bigint[]), CAST(:persons AS bigint[])) n (cell_id, persons)
    WHERE cells.id = n.cell_id
    """
)
_NUMBERS = text(
    """
    SELECT p.token, p.number
    FROM unnest(CAST(:tokens AS uuid[])) n (token) JOIN person_numbers p USING (token)
    """
)
_NEW_NUMBERS = text(
    """
    INSERT INTO person_numbers (token)
    SELECT token FROM unnest(CAST(:tokens AS uuid[])) n (token)
    ORDER BY token
    ON CONFLICT (token) DO NOTHING
    """
)

Identified = tuple[int, Delta]


class Figure(NamedTuple):
    """A stored cell of one place."""

    cell_id: int
    node_id: int
    stage: str
    programme: str
    funding: str
    amount: Any
    times: int
    persons: int


_FIGURE: Final = (
    *(Cell.id, Cell.node_id, Cell.stage, Cell.programme, Cell.funding),
    *(Cell.amount, Cell.times, Cell.persons),
)


def _of_period(feed: str, calendar: Calendar, period: str) -> tuple[ColumnElement[bool], ...]:
    return Cell.feed == feed, Cell.calendar == calendar, Cell.period == period, Cell.times != 0


class CellRepository:
    """Read and change cells."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    # Preparation: neither places nor numbers count, so these have transactions of their own

    async def nodes(self, paths: Collection[str]) -> dict[str, int]:
        """Return the ids of places, by path; add those that are missing."""
        found = await self._nodes(paths)
        missing = sorted(set(paths) - found.keys(), key=lambda path: (path.count("."), path))
        for depth in sorted({path.count(".") for path in missing}):
            level = [path for path in missing if path.count(".") == depth]
            await self._session.execute(
                _NEW_NODES,
                {
                    "paths": level,
                    "codes": [code_of(path) for path in level],
                    "parents": [path.rpartition(".")[0] for path in level],
                },
            )
        if missing:
            found |= await self._nodes(missing)
        return found

    async def _nodes(self, paths: Collection[str]) -> dict[str, int]:
        rows = await self._session.execute(_NODES, {"paths": list(paths)})
        return {row.path: row.id for row in rows}

    async def numbers(self, tokens: Sequence[UUID]) -> dict[UUID, int]:
        """Return the numbers of persons; assign the next ones to those without.

        Inserted in the order of the tokens, so that batches with common persons do not wait in a circle.
        """
        found = await self._numbers(tokens)
        missing = [token for token in tokens if token not in found]
        if missing:
            await self._session.execute(_NEW_NUMBERS, {"tokens": missing})
            found |= await self._numbers(missing)
        return found

    async def _numbers(self, tokens: Sequence[UUID]) -> dict[UUID, int]:
        rows = await self._session.execute(_NUMBERS, {"tokens": list(tokens)})
        return {row.token: row.number for row in rows}

    # Adding a load

    async def add(self, feed: str, nodes: Mapping[str, int], changes: Sequence[tuple[Key, Delta]]) -> None:
        """Add changes to cells, in the order given, which is the order in which the cells are locked.

        The lock of a cell covers its counters: they are read after it has been acquired.
        """
        places = [nodes[key.path] for key, _ in changes]
        stored = await self._session.execute(
            _ADD,
            {
                "feed": feed,
                "nodes": places,
                "calendars": [key.calendar.value for key, _ in changes],
                "periods": [key.period for key, _ in changes],
                "stages": [key.stage for key, _ in changes],
                "programmes": [key.programme for key, _ in changes],
                "fundings": [key.funding for key, _ in changes],
                "amounts": [delta.amount for _, delta in changes],
                "times": [delta.times for _, delta in changes],
            },
        )
        ids = {tuple(row[1:]): int(row[0]) for row in stored}
        identified = [
            (ids[(node, key.calendar.value, *key[2:])], delta)
            for node, (key, delta) in zip(places, changes, strict=True)
        ]
        await self._add_persons(identified)

    async def _add_persons(self, changes: Sequence[Identified]) -> None:
        touched = [(cell, block) for cell, delta in changes for block in delta.persons]
        if not touched:
            return
        rows = await self._session.execute(
            _COUNTERS, {"cells": [cell for cell, _ in touched], "blocks": [block for _, block in touched]}
        )
        stored = {(int(row.cell_id), int(row.block)): bytes(row.counter) for row in rows}
        # Some ten microseconds for each counter: off the event loop.
        packed, persons = await asyncio.to_thread(_merged, changes, stored)
        await self._session.execute(
            _SET_COUNTERS,
            {
                "cells": [cell for cell, _ in touched],
                "blocks": [block for _, block in touched],
                "counters": packed,
            },
        )
        changed = {cell: count for cell, count in persons.items() if count}
        if changed:
            await self._session.execute(
                _ADD_PERSONS, {"cells": list(changed), "persons": list(changed.values())}
            )

    # Reading

    async def places(self, code: str) -> list[int]:
        """Return the places where facts found a unit: one, or several if it or a unit above it has moved."""
        return list(await self._session.scalars(select(CellNode.id).where(CellNode.code == code)))

    async def figures(
        self, feed: str, places: Sequence[int], calendar: Calendar, period: str
    ) -> tuple[list[Figure], list[tuple[str, Figure]]]:
        """Return all cells of a period at some places, and the undivided cell of each place directly below
        them, with the unit's code.

        One statement: between two, a batch could be committed, and a unit have less than those below it.
        """
        here = select(null().label("code"), *_FIGURE).where(
            Cell.node_id.in_(places), *_of_period(feed, calendar, period)
        )
        below = (
            select(CellNode.code, *_FIGURE)
            .join(Cell, Cell.node_id == CellNode.id)
            .where(
                CellNode.parent_id.in_(places),
                *_of_period(feed, calendar, period),
                tuple_(Cell.stage, Cell.programme, Cell.funding) == tuple_(ALL, ALL, ALL),
            )
        )
        found: Any = await self._session.execute(union_all(here, below))
        rows = [(row[0], Figure(*row[1:])) for row in found]
        return (
            [figure for code, figure in rows if code is None],
            [(code, figure) for code, figure in rows if code is not None],
        )

    async def paths(self, code: str) -> list[str]:
        """Return the paths of the places of a unit."""
        return list(await self._session.scalars(select(CellNode.path).where(CellNode.code == code)))

    async def slice(
        self, feed: str, path: str, periods: Sequence[tuple[Calendar, str]], limit: int
    ) -> list[tuple[Any, ...]]:
        """Return the cells of one place in some periods: calendar, period, dimensions, figures."""
        rows = await self._session.execute(
            select(
                Cell.calendar,
                Cell.period,
                Cell.stage,
                Cell.programme,
                Cell.funding,
                Cell.amount,
                Cell.times,
                Cell.persons,
            )
            .join(CellNode, CellNode.id == Cell.node_id)
            .where(
                CellNode.path == path,
                Cell.feed == feed,
                tuple_(Cell.calendar, Cell.period).in_(periods),
                Cell.times != 0,
            )
            .limit(limit)
        )
        return [tuple(row) for row in rows]

    async def some_slices(self, feed: str, choices: Sequence[float]) -> list[tuple[str, str]]:
        """Return places with a year of theirs: the root, and for each choice (0–1) the place there.

        A place without figures of the feed is left out.
        """
        last = await self._session.scalar(select(func.max(CellNode.id))) or 0
        rows = await self._session.execute(
            select(CellNode.path, Cell.period)
            .join(Cell, Cell.node_id == CellNode.id)
            .where(
                CellNode.parent_id.is_(None) | CellNode.id.in_([int(last * choice) for choice in choices]),
                Cell.feed == feed,
                Cell.calendar == Calendar.YEAR,
                tuple_(Cell.stage, Cell.programme, Cell.funding) == tuple_(ALL, ALL, ALL),
            )
            .order_by(CellNode.path, Cell.period.desc())
            .limit(2 * len(choices))
        )
        return [(row[0], row[1]) for row in rows]

    async def counters(self, cells: Sequence[int]) -> list[tuple[int, bytes]]:
        """Return the counters of some cells, each with its block."""
        rows = await self._session.execute(
            select(CellPersons.block, CellPersons.counter).where(CellPersons.cell_id.in_(cells))
        )
        return [(row.block, row.counter) for row in rows]

    async def periods(self, feed: str, places: Sequence[int], calendar: Calendar) -> list[str]:
        """Return the periods with figures at some places, ascending."""
        return list(
            await self._session.scalars(
                select(Cell.period)
                .where(
                    Cell.node_id.in_(places),
                    Cell.feed == feed,
                    Cell.calendar == calendar,
                    tuple_(Cell.stage, Cell.programme, Cell.funding) == tuple_(ALL, ALL, ALL),
                    Cell.times != 0,
                )
                .distinct()
                .order_by(Cell.period)
            )
        )


def _merged(
    changes: Sequence[Identified], stored: Mapping[tuple[int, int], bytes]
) -> tuple[list[bytes], dict[int, int]]:
    """Return the new counters, and by how much the persons of each cell change."""
    packed: list[bytes] = []
    persons: dict[int, int] = {}
    for cell, delta in changes:
        for block, change in delta.persons.items():
            before = stored.get((cell, block))
            counter = Counter() if before is None else Counter.unpack(before)
            were = counter.persons()
            counter.add(change)
            persons[cell] = persons.get(cell, 0) + counter.persons() - were
            packed.append(counter.pack())
    return packed, persons
