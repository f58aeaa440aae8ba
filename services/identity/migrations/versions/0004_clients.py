"""Keys with a life of their own; clients that have a state, tokens to register with.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0001"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("signing_keys", sa.Column("activates_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE signing_keys SET activates_at = created_at")
    op.alter_column("signing_keys", "activates_at", nullable=False)
    op.add_column("signing_keys", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "signing_keys",
        sa.Column("compromised", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
