"""Deadlines of requests to join that depend on workdays which are not published yet.

Revision: 0051
"""

from alembic import op

revision: str = "0051"
down_revision: str | None = "0050"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE join_requests ADD COLUMN provisional_since timestamptz")
