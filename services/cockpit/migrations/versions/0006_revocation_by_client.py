"""Revocations can name a client instead of a person, and say when they were recorded.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("revocations", sa.Column("client_id", sa.Text(), nullable=True))
    op.add_column(
        "revocations",
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.alter_column("revocations", "sub", nullable=True)
    # The table holds some minutes of revocations: checked and indexed at once.
    op.create_check_constraint(
        op.f("ck_revocations_person_or_client"), "revocations", "(sub IS NULL) <> (client_id IS NULL)"
    )
    op.create_index(op.f("ix_revocations_recorded_at"), "revocations", ["recorded_at"], unique=False)
