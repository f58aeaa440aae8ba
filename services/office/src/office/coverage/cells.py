"""SQL for groups whose units a notice reaches differently: by level, kind and stages, or by name."""

from office.coverage.places import UNCHANGED, addresses, first, is_late, passes, then

_BY_CELL = f"""
    {passes("d", "c")} AND (
        d.reach = 'children' AND d.unit_id = c.unit_id
        OR d.reach = 'subtree' AND index(c.path, text2ltree(d.sender)) >= 0
    )
"""
_IN_GROUPS = """c.path >= text2ltree(:root) AND c.path < text2ltree(:beyond)
                AND nlevel(c.path) > CAST(:depth AS int)"""

CELLS = f"""
    passing AS MATERIALIZED (
        -- All units below these are owed the notice, whatever it takes to get there.
        SELECT DISTINCT ltree2text(s.path) AS path
        FROM forwardings f JOIN units s ON s.id = f.unit_id
        WHERE f.notice_id = :notice AND f.plain AND f.onward
        UNION
        SELECT ltree2text(r.path)
        FROM special d JOIN units r ON r.parent_id = d.unit_id
             CROSS JOIN {then("r", "d.forwarded_at")} t
        WHERE d.onward AND d.reach = 'children' AND {passes("d", "t")}
        UNION
        SELECT ltree2text(r.path)
        FROM special d JOIN forwarding_units k ON k.notice_id = :notice AND k.forwarding_id = d.id
             JOIN units r ON r.id = k.unit_id
        WHERE d.onward AND d.reach = 'picked'
    ), passed_on AS MATERIALIZED (
        SELECT c.path,
               CAST(:all_owed AS boolean) OR EXISTS (
                   SELECT FROM generate_series(1, nlevel(c.path)) size
                   WHERE ltree2text(subpath(c.path, 0, size)) IN (SELECT path FROM passing)
               ) AS owed
        FROM tree_counts c WHERE c.level = '' AND {_IN_GROUPS}
    ), cells AS MATERIALIZED (
        SELECT c.path, c.unit_id, c.level, c.kind, c.stages, c.children, c.people_children, w.deadline,
               w.deadline IS NOT NULL OR p.owed AS owed
        FROM tree_counts c
             JOIN passed_on p ON p.path = c.path
             LEFT JOIN forwardings f ON f.notice_id = :notice AND f.plain AND f.unit_id = c.unit_id
             {first(True, _BY_CELL)}
        WHERE c.level <> '' AND c.children <> 0 AND {_IN_GROUPS}
    ), cell_groups AS MATERIALIZED (
        SELECT c.path, c.unit_id, bool_and({is_late("c")}) AS due,
               bool_or({is_late("c")}) AND NOT bool_and({is_late("c")}) AS mixed
        FROM cells c WHERE c.deadline IS NOT NULL GROUP BY c.path, c.unit_id
    ), picked AS MATERIALIZED (
        -- Units that have not changed and that a dispatch names, with what their cell says of them.
        SELECT u.id, u.path, w.deadline,
               CAST(coalesce(c.owed, false) AS int) AS owed,
               CAST(c.deadline IS NOT NULL AS int) AS delivered,
               CAST(coalesce(c.owed AND {is_late("c")}, false) AS int) AS late,
               CAST(coalesce(g.due, false) AS int) AS group_due
        FROM (SELECT DISTINCT unit_id FROM forwarding_units WHERE notice_id = :notice) k
             JOIN units u ON u.id = k.unit_id
             LEFT JOIN cells c ON c.path = subpath(u.path, 0, -1) AND c.level = u.level AND c.kind = u.kind
                              AND c.stages = u.stages
             LEFT JOIN cell_groups g ON g.path = subpath(u.path, 0, -1)
             LEFT JOIN forwardings f ON f.notice_id = :notice AND f.plain AND f.unit_id = u.parent_id
             {first(True, addresses("d", "u"))}
        WHERE {UNCHANGED} AND u.status = 'active' AND u.id <> :publisher AND u.path <@ text2ltree(:root)
          AND u.path <> text2ltree(:root) AND nlevel(u.path) > CAST(:depth AS int) + 1
    )
"""  # noqa: S608 - our names
"""Relations: `cells` of siblings, whether they are owed the notice and the deadline if they have it;
`cell_groups`, whether all that have it are overdue, or only some; `picked` units.
"""
