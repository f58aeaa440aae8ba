"""SQL for the units that block a notice.

A unit without the notice is blocked by its nearest superior unit that has it. Of units that have not changed,
that is the unit below the last of their superiors that has forwarded: it blocks its whole subtree, whose size
`tree_counts` has. Units that have changed are subtracted from that, and looked at one by one. If dispatches
differ between siblings (`Scope.cells`), what waits is summed up by group, and each group looks upwards.
"""

from functools import cache

from sqlalchemy import TextClause, text

from office.coverage.cells import CELLS
from office.coverage.places import holder, named, places, unchanged

_BLOCKER = """
    (SELECT ltree2text(subpath({path}, 0, size + 1))
     FROM generate_series(nlevel({path}) - 1, 1, -1) size
     WHERE ltree2text(subpath({path}, 0, size)) IN (SELECT path FROM forwarded)
     ORDER BY size DESC LIMIT 1)
"""

_WHOLE = """
    {forwarded} AS MATERIALIZED (
        -- Of the scope and of the units above it: nobody else blocks in it.
        SELECT DISTINCT ltree2text(u.path) AS path, u.path AS place, coalesce(c.below, 0) AS below
        FROM units u
             JOIN forwardings f ON f.notice_id = :notice AND f.unit_id = u.id
             LEFT JOIN tree_counts c ON c.path = u.path AND c.level = ''
        WHERE u.path >= text2ltree(:root) AND u.path < text2ltree(:beyond)
        UNION ALL
        SELECT DISTINCT ltree2text(u.path), u.path, coalesce(c.below, 0)
        FROM units u
             JOIN forwardings f ON f.notice_id = :notice AND f.unit_id = u.id
             LEFT JOIN tree_counts c ON c.path = u.path AND c.level = ''
        WHERE u.code = ANY(string_to_array(:root, '.')) AND u.path @> text2ltree(:root)
              AND u.path <> text2ltree(:root)
    ), waiting AS (
        -- A superior unit that has the notice and has not forwarded it blocks what is below it.
        SELECT ltree2text(c.path) AS blocker, c.below AS units
        FROM tree_counts c
        WHERE c.level = '' AND c.path > text2ltree(:root) AND c.path < text2ltree(:beyond)
          AND ltree2text(subpath(c.path, 0, -1)) IN (SELECT path FROM forwarded)
          AND ltree2text(c.path) NOT IN (SELECT path FROM forwarded)
        UNION ALL
        SELECT {of_scope},
               CASE WHEN ltree2text(u.path) IN (SELECT path FROM forwarded) THEN 0 ELSE c.below END
             + CASE WHEN u.status = 'active' AND u.id <> :publisher
                         AND (u.placed_at IS NULL OR u.placed_at <= :published_at)
                         AND NOT EXISTS (SELECT FROM forwarded WHERE place = subpath(u.path, 0, -1))
                    THEN 1 ELSE 0 END
        FROM units u CROSS JOIN LATERAL (
            SELECT coalesce(max(below), 0) AS below FROM tree_counts c WHERE level = '' AND c.path = u.path
        ) c
        WHERE u.id = :unit AND u.path = text2ltree(:root) AND nlevel(u.path) > 1
        UNION ALL
        -- A unit below it may have forwarded all the same: it got the notice elsewhere.
        SELECT {of_forwarded}, -f.below
        FROM forwarded f
        WHERE f.place > text2ltree(:root) AND f.place < text2ltree(:beyond)
          AND ltree2text(subpath(f.place, 0, -1)) NOT IN (SELECT path FROM forwarded)
        {minus_changed}
    ), {alone}blocking AS (
        SELECT blocker AS path, sum(units) AS units FROM waiting WHERE blocker IS NOT NULL GROUP BY 1
        {plus_alone}
    ), blockers AS (
        SELECT split_part(path, '.', -1) AS code, sum(units) AS cut_off FROM blocking GROUP BY 1
    )
"""
_MINUS_CHANGED = """
        UNION ALL
        SELECT {of_unit}, -1
        FROM standing u
        WHERE u.status = 'active' AND u.path <@ text2ltree(:root)
          AND nlevel(u.path) > nlevel(text2ltree(:root))
          AND ltree2text(subpath(u.path, 0, -1)) NOT IN (SELECT path FROM forwarded)
"""
_ALONE = """alone AS (
        -- Siblings have the same blocker.
        SELECT subpath(c.path, 0, -1) AS path, count(*) AS units
        FROM counting c WHERE c.changed AND c.deadline IS NULL GROUP BY 1
    ), """
_PLUS_ALONE = """
        UNION ALL
        SELECT ltree2text(h.path), sum(a.units) FROM alone a CROSS JOIN {holder} h GROUP BY 1
"""
_BY_CELL = """
    , {cells}, waiting AS (
        SELECT c.path, c.children AS units FROM cells c WHERE c.owed AND c.deadline IS NULL
        {minus_changed}
        UNION ALL
        SELECT subpath(p.path, 0, -1), -1 FROM picked p WHERE p.owed = 1 AND p.delivered = 0
        UNION ALL
        SELECT subpath(c.path, 0, -1), 1 FROM counting c WHERE c.deadline IS NULL
    ), groups AS (
        SELECT path, sum(units) AS units FROM waiting GROUP BY path HAVING sum(units) <> 0
    ), blockers AS (
        SELECT h.code, sum(g.units) AS cut_off FROM groups g CROSS JOIN {holder} h GROUP BY 1
    )
"""
_MINUS_CHANGED_CELLS = """
        UNION ALL
        SELECT c.path, -1
        FROM standing u JOIN cells c ON c.path = subpath(u.path, 0, -1) AND c.level = u.level
                                    AND c.kind = u.kind AND c.stages = u.stages
        WHERE c.owed AND c.deadline IS NULL AND u.status = 'active'
"""
_OF_MEMBERS = """
    , waiting AS (
        -- Siblings have the same blocker.
        SELECT subpath(c.path, 0, -1) AS path, count(*) AS units
        FROM counting c WHERE c.deadline IS NULL GROUP BY 1
    ), blockers AS (
        SELECT h.code, sum(w.units) AS cut_off FROM waiting w CROSS JOIN {holder} h GROUP BY 1
    )
"""
_LARGEST = """
    SELECT u.id, u.code, u.name, b.cut_off, count(*) OVER () AS number
    FROM blockers b JOIN units u ON u.code = b.code
    WHERE b.cut_off > 0
    ORDER BY b.cut_off DESC, u.path LIMIT :limit
"""
_WAITING = """NOT EXISTS (SELECT FROM forwardings f WHERE f.notice_id = :notice AND f.plain
                          AND f.unit_id = u.parent_id)"""


@cache
def blockers(*, special: bool, cells: bool, simple: bool, members: bool) -> TextClause:
    """Return the statement of the largest blockers: id, code, name, units they block, number of blockers.

    `members`: only what they block of the units that `named` names.
    """
    if members:
        found = _OF_MEMBERS.format(holder=holder("w.path", special=special))
        statement = named(special=special) + found + _LARGEST
        return text(statement)
    if cells:
        near = "u.id = :unit OR u.parent_id = :unit"
        minus = "" if simple else _MINUS_CHANGED_CELLS
        found = _BY_CELL.format(cells=CELLS, minus_changed=minus, holder=holder("g.path", special=special))
        if simple:
            ones = unchanged(special=special, near=near)
        else:
            ones = places(special=special, left="false", near=near)
        statement = ones + found + _LARGEST
        return text(statement)
    paths = {"of_scope": _BLOCKER.format(path="u.path"), "of_forwarded": _BLOCKER.format(path="f.place")}
    if simple:
        found = _WHOLE.format(forwarded="WITH forwarded", minus_changed="", alone="", plus_alone="", **paths)
        statement = found + _LARGEST
        return text(statement)
    found = _WHOLE.format(
        forwarded=", forwarded",
        minus_changed=_MINUS_CHANGED.format(of_unit=_BLOCKER.format(path="u.path")),
        alone=_ALONE,
        plus_alone=_PLUS_ALONE.format(holder=holder("a.path", special=special)),
        **paths,
    )
    # Only of units whose superior has not forwarded can one be blocked.
    ones = places(special=special, standing=_WAITING, left="false", near="false")
    statement = ones + found + _LARGEST
    return text(statement)
