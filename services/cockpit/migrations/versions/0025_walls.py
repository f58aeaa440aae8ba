"""Wall displays of units.

Revision: 0025
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "wall_displays",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False, comment="name of the person"),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_by", sa.Text(), nullable=True, comment="who stopped it here; none: ended at Identity"
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_wall_displays")),
    )
    op.create_index("ix_wall_displays_unit_id", "wall_displays", ["unit_id", "grant_id"])
    op.create_index("ix_wall_displays_client_id", "wall_displays", ["client_id"])
