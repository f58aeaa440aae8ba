"""What the files of answers are attached to, and exports that are ZIP archives.

Revision: 0040
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0040"
down_revision: str | None = "0039"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "answer_subjects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_subjects")),
        sa.UniqueConstraint("notice_id", "unit_id", name=op.f("uq_answer_subjects_notice_id_unit_id")),
    )
    # Exports are kept for a week: there are few.
    op.drop_constraint(op.f("ck_exports_format"), "exports", type_="check")
    op.create_check_constraint(op.f("ck_exports_format"), "exports", "format IN ('xlsx', 'vcf', 'zip')")
