"""Dead letters become rows, and the outbox can send to one queue.

An event may be in the outbox twice now: as it was published, and as a replayed dead letter. Rows that were
dead letters are tried again; those that fail again end in the new table.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "dead_letters",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False, comment="the envelope as it was received"),
        sa.Column("died_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("queue", "event_id", name=op.f("pk_dead_letters")),
    )
    op.drop_constraint(op.f("uq_outbox_id"), "outbox", type_="unique")
    op.add_column("outbox", sa.Column("queue", sa.Text(), nullable=True))
    op.execute("UPDATE outbox SET dead_at = NULL, dead_queue = NULL, attempts = 0 WHERE dead_at IS NOT NULL")
