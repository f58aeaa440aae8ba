"""Sessions remember when they began with an SMS code or a passkey: stepping up makes nothing of that younger.

Revision: 0008
"""

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE sessions ADD COLUMN begun_at timestamptz")
    op.execute("UPDATE sessions SET begun_at = authenticated_at")
    op.execute("ALTER TABLE sessions ALTER COLUMN begun_at SET NOT NULL")
