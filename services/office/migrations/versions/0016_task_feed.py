"""The state of the feed of tasks: which feed it is, and from where it is kept.

Revision: 0016
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "task_feed_state",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton", name=op.f("ck_task_feed_state_singleton")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("pk_task_feed_state")),
    )
    op.execute("INSERT INTO task_feed_state VALUES (true, gen_random_uuid(), 0)")
