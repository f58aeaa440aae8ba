"""What units were before, how batches agree with other feeds, and whose turn it is to be taken in.

Revision: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from servicekit.ltree import LTree

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "units",
        sa.Column(
            "placed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when it has had its place, status, level and kind; null: not known",
        ),
    )
    op.create_table(
        "former_places",
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("path", LTree(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("stages", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_former_places_not_empty")),
        sa.PrimaryKeyConstraint("unit_id", "valid_from", name=op.f("pk_former_places")),
    )
    op.create_index("ix_former_places_path", "former_places", ["path"], postgresql_using="gist")
    # The next start reads Identity's snapshot again, which has the pasts of the units that are here already.
    op.execute("DELETE FROM replica_snapshots")
    op.add_column(
        "batches",
        sa.Column(
            "notes",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="accepted rows by inconsistency with other feeds, when it began to count",
        ),
    )
    op.create_table(
        "record_turns",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alive_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_record_turns")),
    )
    op.create_index("ix_record_turns_feed", "record_turns", ["feed", "asked_at"])
    op.add_column("uploads", sa.Column("mode", sa.Text(), server_default="new", nullable=False))
    op.create_check_constraint(
        op.f("ck_uploads_mode_known"), "uploads", "mode IN ('new','correction','deletion')"
    )
    op.add_column(
        "uploads",
        sa.Column("parent_id", sa.Uuid(), nullable=True, comment="the batch whose quarantined rows it has"),
    )
