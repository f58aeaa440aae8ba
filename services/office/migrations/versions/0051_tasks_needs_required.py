"""Every task says what it needs.

Revision: 0051
"""

from alembic import op

from servicekit.migrations import validate_constraint

revision: str = "0051"
down_revision: str | None = "0050"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    validate_constraint("tasks", "needs_named")
    # The constraint spares it the scan of the table.
    op.alter_column("tasks", "needs", nullable=False)
    op.execute("ALTER TABLE tasks DROP CONSTRAINT IF EXISTS needs_named")
