"""Numbers of answers, kept as those of signatures are.

Revision: 0030
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply. The nightly recount finds answers that an earlier release stores meanwhile."""
    op.add_column("answers", sa.Column("counted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("receipt_hours", sa.Column("answered", sa.Integer(), server_default="0", nullable=False))
    op.execute(
        """
        UPDATE answers a SET counted = true
        FROM units u, notices n
        WHERE n.id = a.notice_id AND u.id = a.unit_id AND u.status = 'active' AND u.id <> n.publisher_id
          AND a.submitted_at IS NOT NULL AND (u.placed_at IS NULL OR u.placed_at <= n.published_at)
        """
    )
    op.execute(
        """
        INSERT INTO receipt_counts AS c (notice_id, path, answered)
        SELECT a.notice_id, subpath(u.path, 0, -1), count(*)
        FROM answers a JOIN units u ON u.id = a.unit_id WHERE a.counted GROUP BY 1, 2
        ON CONFLICT (notice_id, path) DO UPDATE SET answered = excluded.answered
        """
    )
