"""The schools of a load, and whether the facts of a discarded one are being deleted.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "counted_loads",
        sa.Column(
            "schools",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="codes of its units that were schools; null in loads of earlier releases",
        ),
    )
    op.add_column(
        "discarded_loads",
        sa.Column(
            "deleting",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="its facts are being deleted: it can no longer count",
        ),
    )
