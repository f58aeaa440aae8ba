"""Pending join requests have an index of their own, instead of one over all that have ever been decided.

Revision: 0016
"""

from alembic import op

from servicekit.migrations import create_index_concurrently

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "ix_join_requests_pending", "ON join_requests (unit_id, id) WHERE status = 'pending'"
    )
    op.execute("DROP INDEX IF EXISTS ix_join_requests_unit_id_status")
