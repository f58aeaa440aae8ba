"""Since when units have stood where they stand, beside the numbers of their people.

Revision: 0043
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0043"
down_revision: str | None = "0042"
branch_labels: None = None
depends_on: None = None

# That of the triggers that count: who changes the tree and who changes people write the same rows.
_LOCK = 0x7A785F74726565
_CHANGED = {
    "insert": "SELECT FROM added WHERE placed_at IS NOT NULL",
    "update": """
        SELECT FROM gone o JOIN added n USING (id) WHERE o.placed_at IS DISTINCT FROM n.placed_at
    """,
}
_RELATIONS = {
    "insert": "REFERENCING NEW TABLE AS added",
    "update": "REFERENCING OLD TABLE AS gone NEW TABLE AS added",
}
_FUNCTION = """
CREATE FUNCTION units_are_dated_after_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS ({changed}) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock({lock});
    INSERT INTO unit_people AS p (unit_id, people, placed_at)
    SELECT id, 0, placed_at FROM added ORDER BY id
    ON CONFLICT (unit_id) DO UPDATE SET placed_at = excluded.placed_at
    WHERE p.placed_at IS DISTINCT FROM excluded.placed_at;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Apply. Rows are filled by the next migration."""
    op.add_column("unit_people", sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True))
    for event, changed in _CHANGED.items():
        op.execute(_FUNCTION.format(event=event, changed=changed, lock=_LOCK))
        op.execute(
            f"CREATE TRIGGER units_are_dated_after_{event} AFTER {event} ON units {_RELATIONS[event]}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION units_are_dated_after_{event}()"
        )
