"""Batches of several files in an archive.

Revision: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "batches",
        sa.Column(
            "files",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="of an archive: name, lines before it, accepted, rejected",
        ),
    )
    # A batch is a file: there are some thousands.
    op.drop_constraint(op.f("ck_batches_format_known"), "batches", type_="check")
    op.create_check_constraint(
        op.f("ck_batches_format_known"), "batches", "format IN ('csv','xlsx','jsonl','parquet','zip')"
    )
