"""SQL for the lists of units that lack something.

The list is in the order of superior units, and below each of them in the order of the paths. A page reads
only groups of siblings in which something is missing: `tree_counts` and `receipt_counts` say which. It looks
at no unit that has changed beyond the last of these groups.
"""

from functools import cache
from typing import Final

from sqlalchemy import TextClause, text

from contracts.vocabulary import Vocabulary
from office.coverage.cells import CELLS
from office.coverage.places import RETURNED, SPECIAL, holder, is_late, named, places, unchanged


class Lack(Vocabulary):
    """What the units of a list lack."""

    SIGNATURE = "not_signed", "未签收"
    DELIVERY = "not_delivered", "未送达"
    READ = "not_read", "未阅"
    ANSWER = "not_answered", "未答复"
    OVERDUE = "overdue", "已逾期"


_DONE: Final = {
    Lack.SIGNATURE: ("true", "signed"),
    Lack.DELIVERY: ("f.unit_id IS NULL AND NOT CAST(:whole AS boolean)", "signed"),
    Lack.READ: ("(f.unit_id IS NOT NULL OR CAST(:whole AS boolean))", "read_units"),
    Lack.ANSWER: ("true", "answered"),
    Lack.OVERDUE: (
        "coalesce(CASE WHEN CAST(:whole AS boolean) THEN NULL ELSE f.deadline END, :deadline) <= :late",
        "signed",
    ),
}
"""Which groups are looked at, and what each of their units should have done."""

_FACTS: Final = {"signed": "signatures", "read_units": "reads", "answered": "answers"}

_GROUPS = """
    WITH arrived AS MATERIALIZED (
        SELECT ltree2text(subpath(u.path, 0, -1)) AS path, count(*) AS units
        FROM units u
        WHERE u.placed_at > :published_at AND u.status = 'active' AND u.path <@ text2ltree(:root)
        GROUP BY 1
    ), changed AS MATERIALIZED (
        -- Units that have changed since: the counters may have what these have done.
        SELECT ltree2text(subpath(p.path, 0, -1)) AS path, count(*) AS units
        FROM former_places p WHERE {changed} AND p.path <@ text2ltree(:root)
        GROUP BY 1
    ), likely AS MATERIALIZED (
        -- Whether they have done it is not asked of all of them, but of those of the next groups.
        SELECT c.unit_id, c.path, c.children - coalesce(a.units, 0) - coalesce(r.{done}, 0) AS missing,
               coalesce(x.units, 0) AS changed
        FROM tree_counts c
             LEFT JOIN forwardings f ON f.notice_id = :notice AND f.unit_id = c.unit_id AND f.plain
             -- Looked up until the page is full: of a notice of this morning PostgreSQL expects one row.
             LEFT JOIN LATERAL (
                 SELECT o.{done} FROM receipt_counts o
                 WHERE o.notice_id = :notice AND o.path = c.path OFFSET 0
             ) r ON true
             LEFT JOIN arrived a ON a.path = ltree2text(c.path)
             LEFT JOIN changed x ON x.path = ltree2text(c.path)
        WHERE c.level = '' AND c.path >= text2ltree(:root) AND c.path < text2ltree(:beyond)
          AND c.path >= text2ltree(:after) AND {looked_at}
          AND c.children - coalesce(a.units, 0) - coalesce(r.{done}, 0) + coalesce(x.units, 0) > 0
        ORDER BY c.path LIMIT :limit + 1
    ), more AS MATERIALIZED (
        -- If there are more groups, that of the last one.
        SELECT path FROM likely ORDER BY path OFFSET :limit
    ), groups AS (
        SELECT l.unit_id, l.path, l.missing + CASE WHEN l.changed = 0 THEN 0 ELSE (
            SELECT count(*) FROM former_places p
            WHERE {changed} AND p.path <@ l.path AND nlevel(p.path) = nlevel(l.path) + 1
              AND (SELECT count(*) FROM (SELECT FROM {facts} r WHERE r.notice_id = :notice
                                         AND r.unit_id = p.unit_id AND r.counted LIMIT 1) r) = 1
        ) END AS missing
        FROM likely l
    )
"""
_CHANGED = "p.valid_from <= :published_at AND p.valid_to > :published_at"
# At least as many as are missing: neither units that have changed nor receipts are subtracted.
_BY_CELL = """
    WITH {special} standing AS (SELECT NULL::uuid AS id WHERE false), {cells},
    more AS (SELECT NULL::ltree AS path WHERE false), groups AS (
        SELECT c.unit_id, c.path, sum(c.missing) AS missing
        FROM (
            SELECT c.unit_id, c.path, c.children AS missing FROM cells c WHERE {looked_at}
            UNION ALL
            SELECT u.parent_id, subpath(c.path, 0, -1), 1
            FROM picked c JOIN units u ON u.id = c.id WHERE {of_picked}
        ) c
        WHERE c.path >= text2ltree(:after)
        GROUP BY c.unit_id, c.path
    )
"""
_CELLS: Final = {
    Lack.SIGNATURE: ("c.owed", "true"),
    Lack.DELIVERY: ("c.owed AND c.deadline IS NULL", "false"),
    Lack.READ: ("c.deadline IS NOT NULL", "true"),
    Lack.ANSWER: ("c.owed", "true"),
    Lack.OVERDUE: (f"c.owed AND {is_late('c')}", is_late("c")),
}
_NEXT = """
    , ordered AS (
        SELECT unit_id, path, CASE WHEN path > text2ltree(:after) THEN missing ELSE 0 END AS missing
        FROM groups WHERE missing > 0 OR path = (SELECT path FROM more)
    ), summed AS (
        SELECT unit_id, path, sum(missing) OVER (ORDER BY path) - missing AS before,
               count(*) OVER () + (SELECT count(*) FROM more) AS number
        FROM ordered
    )
    SELECT unit_id, ltree2text(path), number
    FROM summed WHERE before < :limit ORDER BY path LIMIT :limit + 1
"""


@cache
def groups(lack: Lack, *, cells: bool) -> TextClause:
    """Return the statement of the superior units below which the next `limit` units of the list stand, of
    those that have not changed: id, path, and the number of superior units with such units, at least one
    more than these if there are any.
    """
    if cells:
        looked_at, of_picked = _CELLS[lack]
        found = _BY_CELL.format(special=SPECIAL, cells=CELLS, looked_at=looked_at, of_picked=of_picked)
    else:
        looked_at, done = _DONE[lack]
        found = _GROUPS.format(facts=_FACTS[done], done=done, looked_at=looked_at, changed=_CHANGED)
    statement = found + _NEXT
    return text(statement)


# Sub-selects instead of joins: they are evaluated row by row until the page is full.
_FACT = "(SELECT count(*) FROM {} s WHERE s.notice_id = :notice AND s.unit_id = c.id)"
_SIGNED = f"({_FACT.format('signatures')} > 0)"
_LACKS: Final = {
    Lack.SIGNATURE: f"NOT {_SIGNED}",
    Lack.DELIVERY: f"c.deadline IS NULL AND NOT {_SIGNED}",
    Lack.READ: """c.deadline IS NOT NULL
                  AND (SELECT count(*) FROM (SELECT FROM reads s WHERE s.notice_id = :notice
                                             AND s.unit_id = c.id LIMIT 1) s) = 0""",
    Lack.ANSWER: """(SELECT count(*) FROM answers s WHERE s.notice_id = :notice AND s.unit_id = c.id
                     AND s.submitted_at IS NOT NULL) = 0""",
    Lack.OVERDUE: f"{is_late('c')} AND NOT {_SIGNED}",
}
_WINDOW = """subpath({path}, 0, -1) >= text2ltree(:after_group)
             AND (CAST(:last_group AS text) IS NULL OR subpath({path}, 0, -1) <= text2ltree(:last_group))"""


@cache
def page(lack: Lack, *, special: bool, simple: bool, members: bool) -> TextClause:
    """Return the statement of the next units: id, code, name, path, delivered, deadline, and the blocker's
    id, code and name. They are the changed ones up to the last of the `groups`, and those of these
    groups; with `members` those that `named` names.
    """
    near = "u.id = :unit OR u.parent_id = :unit OR u.parent_id = ANY(CAST(:groups AS uuid[]))"
    if members:
        found = named(special=special)
    elif simple:
        found = unchanged(special=special, near=near)
    else:
        window = {"standing": _WINDOW.format(path="u.path"), "left": _WINDOW.format(path="p.path")}
        found = places(special=special, near=near, **window)
    statement = f"""
        {found}, {RETURNED}, sorted AS (
            SELECT c.* FROM counting c
            WHERE {_WINDOW.format(path="c.path")}
              AND (subpath(c.path, 0, -1) > text2ltree(:after_group) OR c.path > text2ltree(:after))
              AND NOT EXISTS (SELECT FROM returned r WHERE r.unit_id = c.id)
            ORDER BY subpath(c.path, 0, -1), c.path OFFSET 0
        ), rows AS MATERIALIZED (
            SELECT c.* FROM sorted c WHERE {_LACKS[lack]}
            ORDER BY subpath(c.path, 0, -1), c.path LIMIT :limit
        )
        SELECT c.id, u.code, u.name, ltree2text(c.path), c.deadline IS NOT NULL, c.deadline,
               h.id, h.code, h.name
        FROM rows c JOIN units u ON u.id = c.id
             LEFT JOIN {holder("c.path", special=special)} h ON c.deadline IS NULL
        ORDER BY subpath(c.path, 0, -1), c.path
    """  # noqa: S608 - our names
    return text(statement)
