"""One primary membership for a person, and one active membership for a person in a unit.

Each statement may run again: an index is built outside of the migration's transaction.

Revision: 0019
"""

from alembic import op

from servicekit.migrations import create_index_concurrently

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "uq_memberships_account_id_primary",
        "ON memberships (account_id) WHERE ended_at IS NULL AND is_primary",
        unique=True,
    )
    create_index_concurrently(
        "uq_memberships_account_id_unit_id_active",
        "ON memberships (account_id, unit_id) WHERE ended_at IS NULL",
        unique=True,
    )
    op.execute("DROP INDEX IF EXISTS uq_memberships_account_id_active")
