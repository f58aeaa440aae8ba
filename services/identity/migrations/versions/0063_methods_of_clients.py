"""Clients that send their secret in several ways, and clients whose ID tokens have the name.

Processes of before know neither column and go on with the one method.

Revision: 0063
"""

from alembic import op

revision: str = "0063"
down_revision: str | None = "0062"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "ALTER TABLE clients"
        " ADD COLUMN IF NOT EXISTS additional_token_endpoint_auth_methods text[] NOT NULL DEFAULT '{}',"
        " ADD COLUMN IF NOT EXISTS name_in_id_token boolean NOT NULL DEFAULT false"
    )
