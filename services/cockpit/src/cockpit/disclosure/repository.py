"""Reads the cells of whole tables, and their versions."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.disclosure.periods import Read
from cockpit.disclosure.tables import Combination, Part

_TABLE = text(
    """
    SELECT n.code, n.tree, below, f.calendar, f.period, CAST(c."values" AS text) AS combination,
           f.persons, f.times
    FROM (
        SELECT id, code, tree, false AS below FROM cell_nodes WHERE code = ANY(:codes)
        UNION ALL
        SELECT n.id, n.code, n.tree, true FROM cell_nodes n JOIN cell_nodes a ON a.id = n.parent_id
        WHERE a.code = ANY(:codes)
    ) n
    JOIN cell_figures f ON f.node_id = n.id
    JOIN unnest(CAST(:calendars AS text[]), CAST(:periods AS text[])) p (calendar, period)
      ON p.calendar = f.calendar AND p.period = f.period
    JOIN cell_combinations c ON c.id = f.combination_id AND c.feed = :feed
    WHERE f.times <> 0 OR f.amount <> 0 OR f.weight <> 0
    """
)
_PLACES = text(
    """
    SELECT n.tree, f.calendar, f.period, CAST(c."values" AS text) AS combination, f.persons, f.times
    FROM cell_nodes n
    JOIN cell_figures f ON f.node_id = n.id
    JOIN unnest(CAST(:calendars AS text[]), CAST(:periods AS text[])) p (calendar, period)
      ON p.calendar = f.calendar AND p.period = f.period
    JOIN cell_combinations c ON c.id = f.combination_id AND c.feed = :feed
    WHERE ((n.tree = 'authority' AND n.code = :code) OR (n.tree = 'territory' AND n.code = :region))
      AND (f.times <> 0 OR f.amount <> 0 OR f.weight <> 0)
    """
)
_VERSIONS = text(
    """
    SELECT n.code, sum(f.version) AS version
    FROM cell_nodes n
    JOIN cell_figures f ON f.node_id = n.id
    JOIN unnest(CAST(:calendars AS text[]), CAST(:periods AS text[])) p (calendar, period)
      ON p.calendar = f.calendar AND p.period = f.period
    JOIN cell_combinations c ON c.id = f.combination_id AND c.feed = :feed AND c.dimensions = ''
    WHERE n.code = ANY(:codes)
    GROUP BY n.code
    """
)


class TableRepository:
    """Read tables of cells."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def table(
        self, feed: str, codes: Sequence[str], periods: Sequence[Part]
    ) -> tuple[Read, dict[str, Read]]:
        """Return the cells of the place with some codes, and those of the places directly below, by code.

        Several hundred cells for each place of an office.
        """
        found: Any = await self._session.execute(_TABLE, {"codes": list(codes), **_parameters(feed, periods)})
        own, below = Read(), dict[str, Read]()
        for row in found:
            read = below.setdefault(row.code, Read()) if row.below else own
            key = (row.calendar, row.period), _combination(row.combination)
            read.persons.setdefault(key, []).append(row.persons)
            if row.tree == "authority":
                read.times[key] = read.times.get(key, 0) + row.times
        return own, below

    async def of_trees(self, feed: str, code: str, region: str, periods: Sequence[Part]) -> tuple[Read, Read]:
        """Return the cells of a unit by authority, and those of a region by territory."""
        found: Any = await self._session.execute(
            _PLACES, {"code": code, "region": region, **_parameters(feed, periods)}
        )
        mine, whole = Read(), Read()
        for row in found:
            read = mine if row.tree == "authority" else whole
            key = (row.calendar, row.period), _combination(row.combination)
            # A unit that has moved has cells at several places: of persons the least that they can be.
            persons = max(row.persons, *read.persons.get(key, [0]))
            read.persons[key] = [persons]
            read.times[key] = read.times.get(key, 0) + row.times
        return mine, whole

    async def versions(self, feed: str, codes: Sequence[str], periods: Sequence[Part]) -> dict[str, int]:
        """Return a number for each place that changes with every load that changes a cell at or below it."""
        rows: Any = await self._session.execute(
            _VERSIONS, {"codes": list(codes), **_parameters(feed, periods)}
        )
        return {row.code: int(row.version) for row in rows}


def _parameters(feed: str, periods: Sequence[Part]) -> dict[str, Any]:
    return {
        "feed": feed,
        "calendars": [calendar for calendar, _ in periods],
        "periods": [period for _, period in periods],
    }


def _combination(given: str) -> Combination:
    return frozenset(json.loads(given).items())
