"""Revocations can name a client instead of a person, and say when they were recorded.

A client and its grants count generations: disabling a client ends all grants of the generations before.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
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
    op.create_index("ix_revocations_sub", "revocations", ["sub"], unique=False)
    op.create_index(
        "ix_revocations_client_id",
        "revocations",
        ["client_id"],
        unique=False,
        postgresql_where=sa.text("client_id IS NOT NULL"),
    )
    # Constant defaults: no row is written.
    for table, column in (("clients", "grant_generation"), ("grants", "generation")):
        op.add_column(table, sa.Column(column, sa.Integer(), server_default="0", nullable=False))
