"""The statements that add a load to the cells. A load changes thousands of cells: each statement takes one
array per column.
"""

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.cells.counters import NOBODY, Counter
from cockpit.cells.rules import CellKey, Combination, Delta, Tree, code_of

_NEW_NODES = text(
    """
    INSERT INTO cell_nodes (tree, path, code, parent_id)
    SELECT :tree, text2ltree(n.path), n.code, p.id
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
    WHERE c.tree = :tree
    """
)
_NEW_COMBINATIONS = text(
    """
    INSERT INTO cell_combinations (feed, dimensions, "values")
    SELECT :feed, n.dimensions, CAST(n.shown AS jsonb)
    FROM unnest(CAST(:dimensions AS text[]), CAST(:shown AS text[])) n (dimensions, shown)
    ORDER BY n.dimensions, n.shown
    ON CONFLICT (feed, dimensions, "values") DO NOTHING
    """
)
_COMBINATIONS = text('SELECT id, "values" FROM cell_combinations WHERE feed = :feed')
_ADD = text(
    """
    INSERT INTO cell_figures
        (node_id, combination_id, calendar, period, amount, times, weight, persons, version)
    SELECT n.node_id, n.combination_id, n.calendar, n.period, n.amount, n.times, n.weight, 0, 1
    FROM unnest(CAST(:nodes AS integer[]), CAST(:combinations AS integer[]), CAST(:calendars AS text[]),
                CAST(:periods AS text[]), CAST(:amounts AS numeric[]), CAST(:times AS bigint[]),
                CAST(:weights AS numeric[]))
         WITH ORDINALITY
         n (node_id, combination_id, calendar, period, amount, times, weight, place)
    ORDER BY n.place
    ON CONFLICT (node_id, calendar, period, combination_id)
    DO UPDATE SET amount = cell_figures.amount + excluded.amount, times = cell_figures.times + excluded.times,
                  weight = cell_figures.weight + excluded.weight, version = cell_figures.version + 1
    RETURNING id, node_id, combination_id, calendar, period
    """
)
_COUNTERS = text(
    """
    SELECT p.cell_id, p.block, p.counter
    FROM unnest(CAST(:cells AS bigint[]), CAST(:blocks AS integer[])) n (cell_id, block)
    JOIN cell_counters p USING (cell_id, block)
    """
)
_SET_COUNTERS = text(
    """
    INSERT INTO cell_counters (cell_id, block, counter)
    SELECT * FROM unnest(CAST(:cells AS bigint[]), CAST(:blocks AS integer[]), CAST(:counters AS bytea[]))
    ON CONFLICT (cell_id, block) DO UPDATE SET counter = excluded.counter
    """
)
_ADD_PERSONS = text(
    """
    UPDATE cell_figures SET persons = cell_figures.persons + n.persons
    FROM unnest(CAST(:cells AS bigint[]), CAST(:persons AS bigint[])) n (cell_id, persons)
    WHERE cell_figures.id = n.cell_id
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

COUNTERS = 4_000
"""Counters changed by one statement: a cell of the centre may have more."""


class Change(NamedTuple):
    """A change of one counter of a stored cell."""

    cell_id: int
    block: int
    counter: Counter


class CellRepository:
    """Change cells, and number what they are made of."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    # Preparation: neither places nor numbers count, so these have transactions of their own

    async def nodes(self, tree: Tree, paths: Collection[str]) -> dict[str, int]:
        """Return the ids of places, by path; add those that are missing."""
        found = await self._nodes(tree, paths)
        missing = sorted(set(paths) - found.keys(), key=lambda path: (path.count("."), path))
        for depth in sorted({path.count(".") for path in missing}):
            level = [path for path in missing if path.count(".") == depth]
            await self._session.execute(
                _NEW_NODES,
                {
                    "tree": tree.value,
                    "paths": level,
                    "codes": [code_of(path) for path in level],
                    "parents": [path.rpartition(".")[0] for path in level],
                },
            )
        if missing:
            found |= await self._nodes(tree, missing)
        return found

    async def _nodes(self, tree: Tree, paths: Collection[str]) -> dict[str, int]:
        rows = await self._session.execute(_NODES, {"tree": tree.value, "paths": list(paths)})
        return {row.path: row.id for row in rows}

    async def combinations(self, feed: str, wanted: Collection[Combination]) -> dict[Combination, int]:
        """Return the ids of a feed's combinations; add those of `wanted` that are missing."""
        found = await self._combinations(feed)
        missing = [one for one in wanted if one not in found]
        if missing:
            await self._session.execute(
                _NEW_COMBINATIONS,
                {
                    "feed": feed,
                    "dimensions": [",".join(name for name, _ in one) for one in missing],
                    "shown": [json.dumps(dict(one)) for one in missing],
                },
            )
            found = await self._combinations(feed)
        return found

    async def _combinations(self, feed: str) -> dict[Combination, int]:
        rows = await self._session.execute(_COMBINATIONS, {"feed": feed})
        return {tuple(sorted(row[1].items())): row[0] for row in rows}

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

    async def add(self, changes: Sequence[tuple[CellKey, Delta]]) -> None:
        """Add changes to cells, in the order given, which is the order in which the cells are locked.

        The lock of a cell covers its counters: they are read after it has been acquired.
        """
        stored = await self._session.execute(
            _ADD,
            {
                "nodes": [key.node for key, _ in changes],
                "combinations": [key.combination for key, _ in changes],
                "calendars": [key.calendar for key, _ in changes],
                "periods": [key.period for key, _ in changes],
                "amounts": [delta.amount for _, delta in changes],
                "times": [delta.times for _, delta in changes],
                "weights": [delta.weight for _, delta in changes],
            },
        )
        ids = {tuple(row[1:]): int(row[0]) for row in stored}
        for part in _parts(ids, changes):
            await self._add_persons(part)

    async def _add_persons(self, changes: Sequence[Change]) -> None:
        cells, blocks = [one.cell_id for one in changes], [one.block for one in changes]
        rows = await self._session.execute(_COUNTERS, {"cells": cells, "blocks": blocks})
        stored = {(int(row.cell_id), int(row.block)): bytes(row.counter) for row in rows}
        # Some ten microseconds for each counter: off the event loop.
        packed, persons = await asyncio.to_thread(_merged, changes, stored)
        await self._session.execute(_SET_COUNTERS, {"cells": cells, "blocks": blocks, "counters": packed})
        changed = {cell: count for cell, count in persons.items() if count}
        if changed:
            await self._session.execute(
                _ADD_PERSONS, {"cells": list(changed), "persons": list(changed.values())}
            )


def _parts(
    ids: Mapping[tuple[object, ...], int], changes: Sequence[tuple[CellKey, Delta]]
) -> Iterator[list[Change]]:
    part: list[Change] = []
    for key, delta in changes:
        cell = ids[tuple(key[1:])]
        for block, counter in delta.persons.items():
            part.append(Change(cell, block, counter))
            if len(part) == COUNTERS:
                yield part
                part = []
    if part:
        yield part


def _merged(
    changes: Sequence[Change], stored: Mapping[tuple[int, int], bytes]
) -> tuple[list[bytes], dict[int, int]]:
    """Return the new counters, and by how much the persons of each cell change."""
    packed: list[bytes] = []
    persons: dict[int, int] = {}
    for cell, block, change in changes:
        before = stored.get((cell, block))
        known = NOBODY if before is None else Counter.unpack(before)
        counter = known.with_(change)
        persons[cell] = persons.get(cell, 0) + counter.persons() - known.persons()
        packed.append(counter.pack())
    return packed, persons
