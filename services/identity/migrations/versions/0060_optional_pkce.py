"""Clients that the centre frees from PKCE; their codes have no challenge.

Revision: 0060
"""

from alembic import op

revision: str = "0060"
down_revision: str | None = "0059"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE clients ADD COLUMN IF NOT EXISTS require_pkce boolean NOT NULL DEFAULT true")
    op.execute("ALTER TABLE authorization_codes ALTER COLUMN code_challenge DROP NOT NULL")
