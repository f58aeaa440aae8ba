"""Loads whose facts are to be deleted from ClickHouse.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "discarded_loads",
        sa.Column("load_id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("load_id", name="pk_discarded_loads"),
    )
    op.create_index("ix_discarded_loads_discarded_at", "discarded_loads", ["discarded_at"], unique=False)
