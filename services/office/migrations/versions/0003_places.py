"""Since when units stand where they stand, and where they stood before.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

from servicekit.ltree import LTree

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("units", sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "former_places",
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("path", LTree(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_former_places_not_empty")),
        sa.PrimaryKeyConstraint("unit_id", "valid_from", name=op.f("pk_former_places")),
    )
    op.create_index("ix_former_places_path", "former_places", ["path"], postgresql_using="gist")
    # The next start reads Identity's snapshot again, which dates the units that are here already.
    op.execute("DELETE FROM replica_snapshots")
