"""SQL for the tallies of a notice, branch by branch.

Units that have not changed since the notice was published are not looked at one by one: `tree_counts` has
their number below each superior unit (a *group* of siblings), `receipt_counts` what they have done.
The parts, whose sum is exact:

- units of `places`, one by one: those that have changed, the scope's unit and the units directly below it,
  because each is a branch of its own; the receipts of deeper ones only if the counters do not have them;
- the groups below, as they stand now, minus the units of theirs that have changed;
- what the units of these groups have done, from the counters;
- minus units that have returned the notice.

If dispatches differ between siblings (`Scope.cells`), a group is a sum of cells: siblings of the same level,
kind and stages. Units that a dispatch names are corrected one by one. Signatures are counted by group, so
they are subtracted from what is overdue where all cells that have the notice are, and one by one elsewhere.
"""

from functools import cache

from sqlalchemy import TextClause, text

from office.coverage.cells import CELLS
from office.coverage.places import RETURNED, UNCHANGED, addresses, first, is_late, named, places, unchanged

FIGURES = (
    "total",
    "delivered",
    "signed",
    "answered",
    "returned",
    "overdue",
    "read_units",
    "people",
    "people_read",
)
"""The figures of a tally."""


@cache
def tally(*, special: bool, cells: bool, simple: bool, members: bool) -> TextClause:
    """Return the statement of the branches with their figures: the fields of `BranchUnit`, the figures.

    The unit is null in the row of the scope's own unit. `members`: only the units that `named` names count.
    """
    near = "u.id = :unit OR u.parent_id = :unit"
    if members:
        found = named(special=special, people=True)
        parts = [_ones("true"), _gone(_OF_COUNTING)]
        cells = False
    elif simple:
        found = unchanged(special=special, near=near, people=True)
        parts = [_ALONE, _RECEIPTS, _gone(_with_groups(special)), *(_CELLS if cells else (_GROUPS,))]
    else:
        found = places(special=special, near=near, people=True)
        parts = [_ALONE, *_DEEPER, _RECEIPTS, _CLOSED, _gone(_with_groups(special))]
        parts += [*_CELLS, *_CHANGED_CELLS] if cells else [_GROUPS, _STANDING]
    figures = ", ".join(f"CAST(coalesce(sum({name}), 0) AS int) AS {name}" for name in FIGURES)
    statement = f"""
        {found}
        , {CELLS + "," if cells else ""} {RETURNED}
        , figures (branch, {", ".join(FIGURES)}) AS ({" UNION ALL ".join(parts)})
        , summed AS (SELECT branch, {figures} FROM figures GROUP BY branch)
        SELECT u.id, u.code, u.name, u.level, u.kind, u.region_code,
               {", ".join(f"s.{name}" for name in FIGURES)}
        FROM summed s LEFT JOIN units u ON u.code = s.branch
        WHERE (s.branch IS NULL OR u.id IS NOT NULL) AND (s.total > 0 OR s.returned > 0)
        ORDER BY s.branch
    """  # noqa: S608 - our names
    return text(statement)


def _rows(branch: str, source: str, **figures: str) -> str:
    """Return a part: the branch and the figures of each row; those that are not named are 0."""
    columns = ", ".join(figures.get(name, "0") for name in FIGURES)
    return f"SELECT {branch}, {columns} FROM {source}"  # noqa: S608 - our names


def _part(branch: str, source: str, **figures: str) -> str:
    """Return a part that is summed up by branch: most parts have many rows, and few of the figures."""
    sums = {name: f"sum({figure})" for name, figure in figures.items()}
    return f"{_rows(f'{branch} AS branch', source, **sums)} GROUP BY 1"


def _label(path: str, place: str) -> str:
    return f"CASE WHEN nlevel({path}) > {place} THEN ltree2text(subpath({path}, {place}, 1)) END"


_DEPTH = "CAST(:depth AS int)"
_BRANCH = _label("c.path", "c.place + 1")
_DEEP = "counting c {} WHERE NOT c.alone"
_DEEP_UNITS = f"u.path <@ text2ltree(:root) AND nlevel(u.path) > {_DEPTH} + 1 AND u.path <> text2ltree(:root)"
_DUE = f"CAST({is_late('c')} AS int)"


def _ones(which: str) -> str:
    """Return what units of `counting` add with all that they have done, one by one.

    It is looked up for each unit (OFFSET keeps PostgreSQL from joining them otherwise): nothing is known yet
    of the rows of a notice of this morning, and PostgreSQL would compare each unit with all signatures.
    """
    return _part(
        _BRANCH,
        f"""counting c
            LEFT JOIN LATERAL (
                SELECT s.unit_id FROM signatures s WHERE s.notice_id = :notice AND s.unit_id = c.id OFFSET 0
            ) g ON true
            LEFT JOIN LATERAL (
                SELECT o.unit_id FROM answers o
                WHERE o.notice_id = :notice AND o.unit_id = c.id AND o.submitted_at IS NOT NULL OFFSET 0
            ) a ON true
            CROSS JOIN LATERAL (
                SELECT count(*) AS people FROM reads r WHERE r.notice_id = :notice AND r.unit_id = c.id
            ) r
        WHERE {which}""",  # noqa: S608 - our names
        total="1",
        delivered="CAST(c.deadline IS NOT NULL AS int)",
        signed="CAST(g.unit_id IS NOT NULL AS int)",
        answered="CAST(a.unit_id IS NOT NULL AS int)",
        overdue=f"CASE WHEN g.unit_id IS NULL THEN {_DUE} ELSE 0 END",
        read_units="CAST(r.people > 0 AS int)",
        people="c.people",
        people_read="r.people",
    )


_ALONE = _ones("c.alone")
"""Units that are branches of their own."""

_DEEPER = (
    _part(
        _BRANCH,
        _DEEP.format(""),
        total="1",
        delivered="CAST(c.deadline IS NOT NULL AS int)",
        overdue=_DUE,
        people="c.people",
    ),
    _part(
        _BRANCH,
        _DEEP.format("JOIN signatures g ON g.notice_id = :notice AND g.unit_id = c.id AND NOT g.counted"),
        signed="1",
        overdue=f"-{_DUE}",
    ),
    _part(
        _BRANCH,
        _DEEP.format("JOIN answers a ON a.notice_id = :notice AND a.unit_id = c.id AND NOT a.counted")
        + " AND a.submitted_at IS NOT NULL",
        answered="1",
    ),
    _rows(
        f"{_BRANCH} AS branch",
        _DEEP.format("JOIN reads r ON r.notice_id = :notice AND r.unit_id = c.id AND NOT r.counted")
        + " GROUP BY 1, c.id",
        read_units="""CASE WHEN EXISTS (SELECT FROM reads o WHERE o.notice_id = :notice AND o.unit_id = c.id
                                        AND o.counted) THEN 0 ELSE 1 END""",
        people_read="count(*)",
    ),
)
"""Other units one by one."""

_RECEIPTS = _part(
    _label("c.path", "s.place + 1"),
    """(SELECT p.path, index(text2ltree(p.path), text2ltree(:code)) AS place
        FROM unnest(CAST(:paths AS text[])) p (path)) s
       JOIN receipt_counts c ON c.notice_id = :notice AND c.path >= text2ltree(s.path)
                            AND c.path < text2ltree(s.path || '0')
       WHERE nlevel(c.path) > s.place + 1""",
    signed="c.signed",
    answered="c.answered",
    read_units="c.read_units",
    people_read="c.read",
)
"""What units of deeper groups have done, where they did. `0` sorts before all other characters of a label."""


_CLOSED = _part(
    _label("c.path", "c.place + 1"),
    """(SELECT p.unit_id, p.path, index(p.path, text2ltree(:code)) AS place
        FROM places p LEFT JOIN standing t ON t.id = p.unit_id
        WHERE p.valid_from <= :published_at AND NOT EXISTS (SELECT FROM counting o WHERE o.id = p.unit_id)
          AND CASE WHEN t.id IS NULL THEN (SELECT u.status FROM units u WHERE u.id = p.unit_id)
                   ELSE t.status END <> 'active'
          AND EXISTS (SELECT FROM unnest(CAST(:paths AS text[])) o (path)
                      WHERE p.path <@ text2ltree(o.path))) c
       LEFT JOIN answers a ON a.notice_id = :notice AND a.unit_id = c.unit_id AND a.counted
                          AND a.submitted_at IS NOT NULL
       CROSS JOIN LATERAL (
           SELECT count(*) AS people FROM reads r
           WHERE r.notice_id = :notice AND r.unit_id = c.unit_id AND r.counted
       ) r
       WHERE nlevel(c.path) > c.place + 2""",
    answered="-CAST(a.unit_id IS NOT NULL AS int)",
    read_units="-CAST(r.people > 0 AS int)",
    people_read="-r.people",
)
"""Minus what the counters have of units that closed without signing, which count no more."""


_OF_COUNTING = f"SELECT c.id, c.deadline, {_BRANCH} AS branch FROM counting c"  # noqa: S608 - our names


def _with_groups(special: bool) -> str:
    """Return the units of `counting`, and those of the groups that have returned the notice."""
    return f"""{_OF_COUNTING}
            UNION ALL
            SELECT u.id, w.deadline, {_label("u.path", _DEPTH)}
            FROM returned o JOIN units u ON u.id = o.unit_id
                 LEFT JOIN forwardings f ON f.notice_id = :notice AND f.plain AND f.unit_id = u.parent_id
                 {first(special, addresses("d", "u"))}
            WHERE {UNCHANGED} AND u.status = 'active' AND {_DEEP_UNITS}"""  # noqa: S608 - our names


def _gone(units: str) -> str:
    """Return minus those of `units` whose return was confirmed."""
    return _part(
        "c.branch",
        f"""({units}) c
        JOIN returned o ON o.unit_id = c.id
        LEFT JOIN unit_people n ON n.unit_id = c.id
        LEFT JOIN answers a ON a.notice_id = :notice AND a.unit_id = c.id AND a.submitted_at IS NOT NULL
        CROSS JOIN LATERAL (
            SELECT count(*) AS people FROM reads r WHERE r.notice_id = :notice AND r.unit_id = c.id
        ) r""",  # noqa: S608 - our names
        total="-1",
        delivered="-CAST(c.deadline IS NOT NULL AS int)",
        answered="-CAST(a.unit_id IS NOT NULL AS int)",
        returned="1",
        overdue=f"-{_DUE}",
        read_units="-CAST(r.people > 0 AS int)",
        people="-coalesce(n.people, 0)",
        people_read="-r.people",
    )


_IN_GROUPS = f"""c.path >= text2ltree(:root) AND c.path < text2ltree(:beyond) AND nlevel(c.path) > {_DEPTH}"""
_OF_GROUP = "CASE WHEN CAST(:whole AS boolean) THEN CAST(:deadline AS timestamptz) ELSE f.deadline END"

# What was counted of the notice. A full join is a hash or a merge join, also for a notice of this morning, of
# which PostgreSQL expects one row: it would otherwise compare each group with all rows. Rows without a group
# add nothing.
_COUNTED = """(SELECT r.path, r.signed FROM receipt_counts r
               WHERE r.notice_id = :notice
                     AND r.path >= text2ltree(:root) AND r.path < text2ltree(:beyond))"""

_GROUPS = _part(
    _label("c.path", _DEPTH),
    f"""(SELECT c.path, c.children, c.people_children, coalesce(r.signed, 0) AS signed,
                {_OF_GROUP} AS deadline
         FROM (SELECT c.path, c.unit_id, c.children, c.people_children
               FROM tree_counts c WHERE c.level = '' AND {_IN_GROUPS}) c
              LEFT JOIN forwardings f ON f.notice_id = :notice AND f.plain AND f.unit_id = c.unit_id
              FULL JOIN {_COUNTED} r ON r.path = c.path) c""",  # noqa: S608 - our names
    total="c.children",
    delivered="CASE WHEN c.deadline IS NULL THEN 0 ELSE c.children END",
    overdue=f"CASE WHEN {is_late('c')} THEN c.children - c.signed ELSE 0 END",
    people="c.people_children",
)
_STANDING = _part(
    "c.branch",
    f"""(SELECT u.people, {_label("u.path", _DEPTH)} AS branch, {_OF_GROUP} AS deadline
         FROM standing u
              LEFT JOIN forwardings f ON f.notice_id = :notice AND f.plain AND f.unit_id = u.parent_id
         WHERE u.status = 'active' AND {_DEEP_UNITS}) c""",  # noqa: S608 - our names
    total="-1",
    delivered="-CAST(c.deadline IS NOT NULL AS int)",
    overdue=f"-{_DUE}",
    people="-c.people",
)

_CELLS = (
    _part(
        _label("c.path", _DEPTH),
        "cells c WHERE c.owed",
        total="c.children",
        delivered="CASE WHEN c.deadline IS NULL THEN 0 ELSE c.children END",
        overdue=f"CASE WHEN {is_late('c')} THEN c.children ELSE 0 END",
        people="c.people_children",
    ),
    # Signatures of groups whose cells with the notice are all overdue.
    _part(
        _label("g.path", _DEPTH),
        f"(SELECT path FROM cell_groups WHERE due) g FULL JOIN {_COUNTED} r ON r.path = g.path",  # noqa: S608 - our names
        overdue="-CASE WHEN g.path IS NULL THEN 0 ELSE r.signed END",
    ),
    # Those of groups in which some are: of units of overdue cells, but for those that a dispatch names.
    _part(
        _label("u.path", _DEPTH),
        f"""cell_groups g JOIN units u ON u.parent_id = g.unit_id
            JOIN cells c ON c.path = g.path AND c.level = u.level AND c.kind = u.kind AND c.stages = u.stages
            JOIN signatures s ON s.notice_id = :notice AND s.unit_id = u.id AND s.counted
            WHERE g.mixed AND c.deadline IS NOT NULL AND {is_late("c")} AND {UNCHANGED}
              AND u.status = 'active' AND NOT EXISTS (SELECT FROM picked p WHERE p.id = u.id)""",  # nosec B608 - our names
        overdue="-1",
    ),
    # Units that a dispatch names.
    _part(
        _label("c.path", _DEPTH),
        """picked c LEFT JOIN unit_people n ON n.unit_id = c.id
           LEFT JOIN signatures s ON s.notice_id = :notice AND s.unit_id = c.id""",
        total="1 - c.owed",
        delivered="1 - c.delivered",
        overdue=f"""CASE WHEN s.unit_id IS NULL THEN {_DUE} ELSE 0 END - c.late
                    + CASE WHEN s.counted THEN c.group_due ELSE 0 END""",
        people="(1 - c.owed) * coalesce(n.people, 0)",
    ),
)
_CHANGED_CELLS = (
    _part(
        _label("u.path", _DEPTH),
        f"""standing u
            JOIN cells c ON c.path = subpath(u.path, 0, -1) AND c.level = u.level AND c.kind = u.kind
                        AND c.stages = u.stages
            WHERE c.owed AND u.status = 'active' AND {_DEEP_UNITS}""",
        total="-1",
        delivered="-CAST(c.deadline IS NOT NULL AS int)",
        overdue=f"-{_DUE}",
        people="-u.people",
    ),
    # Those of units that have changed, which are in the sum of the group where they signed.
    _part(
        _BRANCH,
        _DEEP.format(
            """JOIN signatures s ON s.notice_id = :notice AND s.unit_id = c.id AND s.counted
               LEFT JOIN cell_groups g ON g.path = subpath(c.path, 0, -1)"""
        ),
        overdue=f"CAST(coalesce(g.due, false) AS int) - {_DUE}",
    ),
)
"""What units that have changed add to and take from their cells."""
