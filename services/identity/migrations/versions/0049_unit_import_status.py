"""The status that a table of units says of each.

Revision: 0049
"""

from alembic import op

revision: str = "0049"
down_revision: str | None = "0048"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE unit_import_rows ADD COLUMN status text")
