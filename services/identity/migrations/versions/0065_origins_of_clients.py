"""Clients that run in browsers register the origins of their scripts.

Processes of before do not know the column and allow only the origins of their settings.

Revision: 0065
"""

from alembic import op

revision: str = "0065"
down_revision: str | None = "0064"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE clients ADD COLUMN allowed_origins text[] NOT NULL DEFAULT '{}'")
