"""The number of rejected rows by reason.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "batches",
        sa.Column(
            "reasons",
            postgresql.JSONB(),
            nullable=True,
            comment="rejected rows by code; null in batches of earlier releases, which keep every row",
        ),
    )
