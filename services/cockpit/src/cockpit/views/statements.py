"""The statement that tells whether a kept view still holds; it runs on a lane and in a session."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import text

from cockpit.cells.feeds import CELL_FEEDS
from cockpit.directory.service import Lookups
from servicekit.lanes import Statement

# Each fact counts in an undivided cell of one of the two calendars, at all places above it. The steps from
# one period to the next are those of `cockpit.cells.reading_repository`.
VERSION = Statement(
    text(
        """
    WITH RECURSIVE nodes AS (SELECT id FROM cell_nodes WHERE code = ANY(CAST(:places AS text[]))),
    found (node, calendar, period) AS (
        SELECT n.id, c.calendar, (
            SELECT f.period FROM cell_figures f WHERE f.node_id = n.id AND f.calendar = c.calendar
            ORDER BY f.period LIMIT 1
        )
        FROM nodes n CROSS JOIN (VALUES ('year'), ('school_year')) c (calendar)
        UNION ALL
        SELECT s.node, s.calendar, (
            SELECT f.period FROM cell_figures f
            WHERE f.node_id = s.node AND f.calendar = s.calendar AND f.period > s.period
            ORDER BY f.period LIMIT 1
        )
        FROM found s WHERE s.period IS NOT NULL
    )
    SELECT
        (
            SELECT sum(f.version) FROM found s
            JOIN cell_figures f ON f.node_id = s.node AND f.calendar = s.calendar AND f.period = s.period
            WHERE f.combination_id = ANY(ARRAY(
                SELECT id FROM cell_combinations
                WHERE feed = ANY(CAST(:feeds AS text[])) AND dimensions = ''
            ))
        ) AS cells,
        (
            SELECT sum(hashtextextended(ROW(
                u.id, u.code, u.name, u.short_name, u.level, u.kind, u.region_code, u.parent_id, u.path,
                u.status
            )::text, u.number))
            FROM (
                SELECT 1 AS number, * FROM units WHERE id = ANY(CAST(:ids AS uuid[]))
                UNION ALL SELECT 2, * FROM units WHERE code = ANY(CAST(:codes AS text[]))
                UNION ALL SELECT 3, * FROM units WHERE parent_id = ANY(CAST(:parents AS uuid[]))
                UNION ALL SELECT 4, * FROM units WHERE path <@ ANY(CAST(:paths AS ltree[]))
                UNION ALL SELECT 5, * FROM units
                WHERE cardinality(CAST(:regions AS text[])) > 0
                  AND region_code LIKE ANY(CAST(:regions AS text[]))
                  AND kind = 'student_aid' AND status = 'active'
            ) u
        ) AS units,
        (SELECT since FROM cell_loads WHERE counted_at IS NULL ORDER BY since LIMIT 1) AS uncounted
    """
    )
)


class Version(NamedTuple):
    """What `VERSION` found."""

    cells: int | None
    units: int | None

    @classmethod
    def of(cls, row: Any) -> "Version | None":
        """Return the version, None while a load is missing from the cells."""
        if row.uncounted is not None:
            return None
        return cls(*(None if one is None else int(one) for one in (row.cells, row.units)))


def parameters(places: Iterable[str], lookups: Lookups) -> dict[str, Any]:
    """Return what `VERSION` looks at: the places with cells, and the units, that an answer was made from."""
    return {
        "places": sorted(places),
        "feeds": list(CELL_FEEDS),
        "ids": sorted(lookups.ids),
        "codes": sorted(lookups.codes),
        "parents": sorted(lookups.parents),
        "regions": sorted(lookups.regions),
        "paths": sorted(lookups.paths),
    }
