"""Numbers of the tree and of receipts, kept instead of counted.

Revision: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from servicekit.ltree import LTree

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: None = None
depends_on: None = None

# One change of the tree at a time: all of them change the row of the root. Any number will do.
_LOCK = 0x7A785F74726565

# The caller has filled the temporary relation `change` (path, parent_id, level, kind, stages, units, people).
_ADD = """
    INSERT INTO tree_counts AS t
        (path, level, kind, stages, unit_id, children, below, people_children, people_below)
    SELECT subpath(c.path, 0, k), g.level, g.kind, g.stages,
           (array_agg(c.parent_id) FILTER (WHERE k = nlevel(c.path) - 1))[1],
           coalesce(sum(c.units) FILTER (WHERE k = nlevel(c.path) - 1), 0), sum(c.units),
           coalesce(sum(c.people) FILTER (WHERE k = nlevel(c.path) - 1), 0), sum(c.people)
    FROM ({changes}) c
         CROSS JOIN LATERAL generate_series(1, nlevel(c.path) - 1) k
         CROSS JOIN LATERAL (VALUES (c.level, c.kind, c.stages), ('', '', '{{}}'::text[]))
                    g (level, kind, stages)
    GROUP BY 1, 2, 3, 4
    HAVING sum(c.units) <> 0 OR sum(c.people) <> 0
        OR coalesce(sum(c.units) FILTER (WHERE k = nlevel(c.path) - 1), 0) <> 0
        OR coalesce(sum(c.people) FILTER (WHERE k = nlevel(c.path) - 1), 0) <> 0
    ON CONFLICT (path, level, kind, stages) DO UPDATE SET
        unit_id = coalesce(excluded.unit_id, t.unit_id),
        children = t.children + excluded.children,
        below = t.below + excluded.below,
        people_children = t.people_children + excluded.people_children,
        people_below = t.people_below + excluded.people_below;
"""

_UNITS = """
    SELECT u.path, u.parent_id, u.level, u.kind, u.stages, {sign} AS units,
           {sign} * coalesce(p.people, 0) AS people
    FROM {rows} u LEFT JOIN unit_people p ON p.unit_id = u.id WHERE u.status = 'active'
"""

_PEOPLE = """
    SELECT p.unit_id, {sign} AS n FROM {rows} p WHERE p.status = 'active' AND p.unit_id IS NOT NULL
"""

_OF_UNITS = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {unless_changed}
    PERFORM pg_advisory_xact_lock({lock});
    {add}
    RETURN NULL;
END $$
"""

_UNLESS_CHANGED = """
    IF NOT EXISTS (
        SELECT FROM gone o JOIN added n USING (id)
        WHERE (o.path, o.status, o.level, o.kind, o.stages, o.parent_id)
              IS DISTINCT FROM (n.path, n.status, n.level, n.kind, n.stages, n.parent_id)
    ) THEN
        RETURN NULL;
    END IF;
"""

_OF_PEOPLE = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ({changes}) c GROUP BY unit_id HAVING sum(n) <> 0) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock({lock});
    WITH changed AS (
        SELECT unit_id, sum(n)::int AS people FROM ({changes}) c GROUP BY unit_id HAVING sum(n) <> 0
    ), kept AS (
        INSERT INTO unit_people AS p (unit_id, people)
        SELECT unit_id, people FROM changed ORDER BY unit_id
        ON CONFLICT (unit_id) DO UPDATE SET people = p.people + excluded.people
    )
    {add}
    RETURN NULL;
END $$
"""
_OF_CHANGED = """
    SELECT u.path, u.parent_id, u.level, u.kind, u.stages, 0 AS units, c.people
    FROM changed c JOIN units u ON u.id = c.unit_id WHERE u.status = 'active'
"""

_RELATIONS = {
    "insert": "REFERENCING NEW TABLE AS added",
    "update": "REFERENCING OLD TABLE AS gone NEW TABLE AS added",
    "delete": "REFERENCING OLD TABLE AS gone",
}
_SIGNS = {
    "insert": {"added": 1},
    "update": {"gone": -1, "added": 1},
    "delete": {"gone": -1},
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tree_counts",
        sa.Column("path", LTree(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stages", ARRAY(sa.Text()), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("children", sa.Integer(), nullable=False),
        sa.Column("below", sa.Integer(), nullable=False),
        sa.Column("people_children", sa.Integer(), nullable=False),
        sa.Column("people_below", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("path", "level", "kind", "stages", name=op.f("pk_tree_counts")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_tree_counts_sums", "tree_counts", ["path"], postgresql_where=sa.text("level = ''"))
    op.create_index(op.f("ix_tree_counts_unit_id"), "tree_counts", ["unit_id"])
    op.create_table(
        "unit_people",
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", name=op.f("pk_unit_people")),
    )
    op.create_table(
        "receipt_counts",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("path", LTree(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default="0", nullable=False)
            for name in ("signed", "read", "read_units", "answered")
        ),
        sa.PrimaryKeyConstraint("notice_id", "path", name=op.f("pk_receipt_counts")),
        postgresql_with={"fillfactor": "70"},
    )
    for table in ("signatures", "reads"):
        op.add_column(table, sa.Column("counted", sa.Boolean(), server_default=sa.false(), nullable=False))
    _make_triggers()
    # From now on every change is counted; what is there already, is counted here.
    op.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    op.execute(
        "INSERT INTO unit_people SELECT unit_id, count(*) FROM people"
        " WHERE status = 'active' AND unit_id IS NOT NULL GROUP BY unit_id"
    )
    op.execute(_ADD.format(changes=_UNITS.format(rows="units", sign=1)))
    _count_receipts()


def _count_receipts() -> None:
    """Count the receipts that are there, of units that have not changed since the publication."""
    unchanged = """
        FROM units u, notices n
        WHERE n.id = r.notice_id AND u.id = r.unit_id AND u.status = 'active' AND u.id <> n.publisher_id
          AND (u.placed_at IS NULL OR u.placed_at <= n.published_at)
    """
    for table in ("signatures", "reads"):
        op.execute(f"UPDATE {table} r SET counted = true {unchanged}")  # nosec B608 - our names
    op.execute(
        """
        INSERT INTO receipt_counts (notice_id, path, signed, read, read_units)
        SELECT f.notice_id, subpath(u.path, 0, -1), sum(f.signed), sum(f.read), sum(f.read_units)
        FROM (
            SELECT notice_id, unit_id, count(*) AS signed, 0 AS read, 0 AS read_units
            FROM signatures WHERE counted GROUP BY 1, 2
            UNION ALL
            SELECT notice_id, unit_id, 0, count(*), 1 FROM reads WHERE counted GROUP BY 1, 2
        ) f JOIN units u ON u.id = f.unit_id
        GROUP BY 1, 2
        """
    )


def _make_triggers() -> None:
    for event, signs in _SIGNS.items():
        units = " UNION ALL ".join(_UNITS.format(rows=rows, sign=sign) for rows, sign in signs.items())
        people = " UNION ALL ".join(_PEOPLE.format(rows=rows, sign=sign) for rows, sign in signs.items())
        bodies = {
            "units": _OF_UNITS.format(
                name=f"units_are_counted_after_{event}",
                unless_changed=_UNLESS_CHANGED if event == "update" else "",
                lock=_LOCK,
                add=_ADD.format(changes=units),
            ),
            "people": _OF_PEOPLE.format(
                name=f"people_are_counted_after_{event}",
                changes=people,
                lock=_LOCK,
                add=_ADD.format(changes=_OF_CHANGED),
            ),
        }
        for table, body in bodies.items():
            op.execute(body)
            op.execute(
                f"CREATE TRIGGER {table}_are_counted_after_{event} AFTER {event} ON {table} "
                f"{_RELATIONS[event]} FOR EACH STATEMENT EXECUTE FUNCTION {table}_are_counted_after_{event}()"
            )
