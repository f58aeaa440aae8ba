"""The curve of a notice's progress, added up each hour.

Revision: 0021
"""

import sqlalchemy as sa
from alembic import op

from servicekit.ltree import LTree

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "receipt_hours",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("path", LTree(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed", sa.Integer(), nullable=False),
        sa.Column("people_read", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "path", "hour", name=op.f("pk_receipt_hours")),
    )
