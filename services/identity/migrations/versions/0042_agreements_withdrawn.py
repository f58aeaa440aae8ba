"""When an agreement to a document was withdrawn.

Revision: 0042
"""

from alembic import op

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE agreements ADD COLUMN withdrawn_at timestamptz")
