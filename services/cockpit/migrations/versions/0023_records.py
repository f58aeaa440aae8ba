"""What batches do to the records of others, and the versions of the records by which commits see each other.

Revision: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("batches", sa.Column("mode", sa.Text(), server_default="new", nullable=False))
    # A batch is a file: there are some thousands.
    op.create_check_constraint(
        op.f("ck_batches_mode_known"), "batches", "mode IN ('new','correction','deletion')"
    )
    op.add_column(
        "batches",
        sa.Column(
            "stripes",
            postgresql.ARRAY(sa.SmallInteger()),
            nullable=True,
            comment="groups of units of its records; null in batches of earlier releases",
        ),
    )
    op.add_column(
        "batches",
        sa.Column("parent_id", sa.Uuid(), nullable=True, comment="the batch whose quarantined rows it has"),
    )
    op.create_foreign_key(op.f("fk_batches_parent_id_batches"), "batches", "batches", ["parent_id"], ["id"])
    op.create_index("ix_batches_parent_id", "batches", ["parent_id"])
    op.create_table(
        "batch_successions",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("earlier_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_successions_batch_id_batches")
        ),
        sa.ForeignKeyConstraint(
            ["earlier_id"], ["batches.id"], name=op.f("fk_batch_successions_earlier_id_batches")
        ),
        sa.PrimaryKeyConstraint("batch_id", "earlier_id", name=op.f("pk_batch_successions")),
    )
    op.create_index("ix_batch_successions_earlier_id", "batch_successions", ["earlier_id"])
    op.create_table(
        "record_versions",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("stripe", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "stripe", name=op.f("pk_record_versions")),
    )
