"""Who has a draft open.

Revision: 0041
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0041"
down_revision: str | None = "0040"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "draft_editors",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("sub", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notices.id"],
            name=op.f("fk_draft_editors_notice_id_notices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notice_id", "sub", name=op.f("pk_draft_editors")),
    )
    op.create_index("ix_draft_editors_until", "draft_editors", ["until"])
