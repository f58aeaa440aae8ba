"""Indexes for children of a unit in the order of their codes, on any day; one state of a unit in force.

Each statement may run again: an index is built outside of the migration's transaction.

Revision: 0024
"""

from alembic import op

from servicekit.migrations import create_index_concurrently, validate_constraint

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
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
