"""Changes of clients that wait for the centre's approval.

Revision: 0059
"""

from alembic import op

revision: str = "0059"
down_revision: str | None = "0058"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE clients ADD COLUMN IF NOT EXISTS proposed jsonb")
    op.execute("ALTER TABLE clients ADD COLUMN IF NOT EXISTS proposed_at timestamp with time zone")
