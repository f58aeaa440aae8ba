"""Dates the changes of units in batches; indexes for children of a unit in the order of their codes, on any
day; one state of a unit in force.

Each statement may run again: batches and indexes are outside of the migration's transaction.

Revision: 0024
"""

from alembic import op

from servicekit.migrations import create_index_concurrently, in_batches, validate_constraint

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: None = None
depends_on: None = None


_NONE = "'00000000-0000-0000-0000-000000000000'::uuid"
_BATCH = 1000
_DATE_CHANGES = rf"""
DECLARE ids uuid[];
BEGIN
    SELECT array_agg(id ORDER BY id) INTO ids
    FROM (SELECT id FROM units WHERE id > coalesce(after, {_NONE}) ORDER BY id LIMIT {_BATCH}) u;
    -- Whoever changes a unit locks it first. Without the lock, a state that is added in the meantime might
    -- not end the state before it.
    PERFORM FROM units WHERE id = ANY(ids) ORDER BY path FOR NO KEY UPDATE;
    UPDATE unit_changes c SET
        code = c.state->>'code',
        parent_id = p.id,
        kind = CASE WHEN c.state->>'status' = 'closed' THEN 'closed'
                    WHEN c.version = 1 THEN 'opened' ELSE 'amended' END,
        effective_on = d.effective_on,
        valid_to = d.valid_to,
        state = c.state || jsonb_build_object('short_name', u.short_name)
    FROM (
        SELECT unit_id, version, day AS effective_on,
               substring(state->>'path' FROM '([^.]+)\.[^.]+$') AS parent_code,
               lead(day) OVER (PARTITION BY unit_id ORDER BY version) AS valid_to
        FROM unit_changes, LATERAL (SELECT (changed_at AT TIME ZONE 'Asia/Shanghai')::date AS day) days
        WHERE unit_id = ANY(ids)
    ) d
    JOIN units u ON u.id = d.unit_id
    LEFT JOIN units p ON p.code = d.parent_code
    WHERE c.unit_id = d.unit_id AND c.version = d.version AND c.kind IS NULL;
    RETURN ids[cardinality(ids)];
END
"""  # nosec B608 - our names


def upgrade() -> None:
    """Apply."""
    in_batches(_DATE_CHANGES)
    for name in ("kind_known", "ends_later"):
        validate_constraint("unit_changes", f"ck_unit_changes_{name}")
    validate_constraint("units", "fk_units_merged_into_id_units")
    create_index_concurrently("ix_units_children", "ON units (parent_id, code)")
    create_index_concurrently(
        "ix_unit_changes_children", "ON unit_changes (parent_id, code) WHERE kind <> 'moved_with'"
    )
    create_index_concurrently(
        "uq_unit_changes_in_force",
        "ON unit_changes (unit_id) WHERE valid_to IS NULL AND kind <> 'moved_with'",
        unique=True,
    )
    create_index_concurrently(
        "ix_accounts_suspended_by_path",
        "ON accounts USING gist (suspended_by_path) WHERE suspended_by_path IS NOT NULL",
    )
    op.execute("DROP INDEX IF EXISTS ix_units_parent_id")
