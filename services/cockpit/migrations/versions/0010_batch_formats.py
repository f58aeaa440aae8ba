"""The format and the encoding of a batch's file.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "batches", sa.Column("format", sa.Text(), nullable=True, comment="null in earlier releases")
    )
    op.add_column(
        "batches", sa.Column("encoding", sa.Text(), nullable=True, comment="of a text, as it was read")
    )
    # A batch is a file: there are some thousands.
    op.create_check_constraint(
        op.f("ck_batches_format_known"), "batches", "format IN ('csv','xlsx','jsonl','parquet')"
    )
