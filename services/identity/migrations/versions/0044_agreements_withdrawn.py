"""When an agreement to a document was withdrawn.

Revision: 0044
"""

from alembic import op

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE agreements ADD COLUMN withdrawn_at timestamptz")
