"""Formats of exports, and a log of who asked for and fetched them.

Revision: 0037
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0037"
down_revision: str | None = "0036"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("exports", sa.Column("format", sa.Text(), server_default="xlsx", nullable=False))
    # The table is small: exports are kept for a week.
    op.create_check_constraint(op.f("ck_exports_format"), "exports", "format IN ('xlsx', 'vcf')")
    op.create_table(
        "export_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.CheckConstraint("action IN ('asked', 'fetched')", name=op.f("ck_export_log_action")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_log")),
    )
    op.create_index("ix_export_log_unit", "export_log", ["unit_id", "id"])
    op.create_index("ix_export_log_at", "export_log", ["at"])
