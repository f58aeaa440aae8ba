"""SQL for the units that block a notice. Runs no queries.

A unit without the notice is blocked by its nearest superior unit that has it. Of units that have not changed,
that is the unit below the last of their superiors that has forwarded: it blocks its whole subtree, whose size
`tree_counts` has. Units that have changed are subtracted from that, and looked at one by one.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, true, union_all
from sqlalchemy.orm import InstrumentedAttribute, aliased

from office.coverage.counting import Scope, changed_here, has, is_special, unchanged
from office.directory.models import Unit
from office.notices.models import Notice

_BLOCKER = """
    (SELECT ltree2text(subpath({path}, 0, size + 1))
     FROM generate_series(nlevel({path}) - 1, 1, -1) size
     WHERE ltree2text(subpath({path}, 0, size)) IN (SELECT path FROM forwarded)
     ORDER BY size DESC LIMIT 1)
"""

_WHOLE = """
    WITH forwarded AS MATERIALIZED (
        SELECT DISTINCT ltree2text(u.path) AS path, u.path AS place, coalesce(c.below, 0) AS below
        FROM forwardings f
             JOIN units u ON u.id = f.unit_id
             LEFT JOIN tree_counts c ON c.path = u.path AND c.level = ''
        WHERE f.notice_id = :notice
    ), waiting AS (
        -- A superior unit that has the notice and has not forwarded it blocks what is below it.
        SELECT ltree2text(c.path) AS blocker, c.below AS units
        FROM tree_counts c
        WHERE c.level = '' AND c.path > text2ltree(:root) AND c.path < text2ltree(:beyond)
          AND ltree2text(subpath(c.path, 0, -1)) IN (SELECT path FROM forwarded)
          AND ltree2text(c.path) NOT IN (SELECT path FROM forwarded)
          AND NOT c.path <@ CAST(:special AS ltree[])
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
          AND NOT u.path <@ CAST(:special AS ltree[])
        UNION ALL
        -- A unit below it may have forwarded all the same: it got the notice elsewhere.
        SELECT {of_forwarded}, -f.below
        FROM forwarded f
        WHERE f.place > text2ltree(:root) AND f.place < text2ltree(:beyond)
          AND ltree2text(subpath(f.place, 0, -1)) NOT IN (SELECT path FROM forwarded)
          AND NOT subpath(f.place, 0, -1) <@ CAST(:special AS ltree[])
        UNION ALL
        SELECT {of_unit}, -1
        FROM units u
        WHERE u.placed_at > :published_at AND u.status = 'active' AND u.path <@ text2ltree(:root)
          AND nlevel(u.path) > nlevel(text2ltree(:root)) AND nlevel(text2ltree(:root)) > 0
          AND ltree2text(subpath(u.path, 0, -1)) NOT IN (SELECT path FROM forwarded)
          AND NOT subpath(u.path, 0, -1) <@ CAST(:special AS ltree[])
        UNION ALL
        SELECT * FROM unnest(CAST(:blockers AS text[]), CAST(:units AS int[]))
    ), blocking AS (
        SELECT blocker, sum(units) AS cut_off, count(*) OVER () AS number
        FROM waiting WHERE blocker IS NOT NULL GROUP BY blocker HAVING sum(units) > 0
        ORDER BY 2 DESC, text2ltree(blocker) LIMIT :limit
    )
    SELECT u.id, u.code, u.name, b.cut_off, b.number
    FROM blocking b JOIN units u ON u.code = split_part(b.blocker, '.', -1)
    ORDER BY b.cut_off DESC, u.path
"""

_STATEMENT = _WHOLE.format(
    of_scope=_BLOCKER.format(path="u.path"),
    of_forwarded=_BLOCKER.format(path="f.place"),
    of_unit=_BLOCKER.format(path="u.path"),
)
BLOCKERS = text(_STATEMENT)
"""The largest blockers: id, code, name, number of units they block, number of all blockers."""


def waiting_alone(notice: Notice, scope: Scope) -> Select[*tuple[Any, ...]]:
    """Return the blockers of units that are looked at one by one: path, and how many of these they block."""
    parts = [changed_here(notice, scope)]
    if scope.special:
        parts.append(unchanged(notice, scope).where(is_special(Unit.path, scope)))
    waiting = union_all(*parts).subquery()
    # Siblings have the same blocker.
    groups = (
        select(waiting.c.parent_id, func.count().label("units"))
        .where(~waiting.c.delivered)
        .group_by(waiting.c.parent_id)
        .subquery()
    )
    parent = aliased(Unit)
    holder = nearest_holder(notice, parent.path).lateral()
    return (
        select(func.ltree2text(holder.c.path), func.sum(groups.c.units))
        .select_from(groups)
        .join(parent, parent.id == groups.c.parent_id)
        .join(holder, true())
        .group_by(holder.c.path)
    )


def nearest_holder(
    notice: Notice, path: ColumnElement[str] | InstrumentedAttribute[str]
) -> Select[*tuple[Any, ...]]:
    """Return the nearest unit that has the notice, at `path` or above: id, code, name, path."""
    unit = aliased(Unit)
    codes = (
        func.unnest(func.string_to_array(func.ltree2text(path), ".")).table_valued("code").render_derived()
    )
    return (
        select(unit.id, unit.code, unit.name, unit.path)
        .select_from(codes)
        .join(unit, unit.code == codes.c.code)
        .where(has(notice, unit))
        .order_by(func.nlevel(unit.path).desc())
        .limit(1)
    )
