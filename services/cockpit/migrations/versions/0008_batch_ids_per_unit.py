"""Callers' batch ids are unique in a unit; batches with no valid row; all errors of a row.

Revision: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "batches",
        sa.Column("batch_id", sa.Uuid(), nullable=True, comment="the caller's id, unique in its unit"),
    )
    # A batch is a file: there are some thousands. Earlier releases took the caller's id as the batch's own.
    op.execute("UPDATE batches SET batch_id = id")
    op.create_unique_constraint(op.f("uq_batches_unit_id_batch_id"), "batches", ["unit_id", "batch_id"])
    # The first migration gave it the prefix of the naming convention twice.
    op.drop_constraint(op.f("ck_batches_ck_batches_status_known"), "batches", type_="check")
    op.create_check_constraint(
        op.f("ck_batches_status_known"),
        "batches",
        "status IN ('receiving','committed','rejected','failed','reversed')",
    )
    op.add_column(
        "quarantined_rows",
        sa.Column(
            "errors",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="code, reason and column of each error; null in rows of earlier releases",
        ),
    )
    for column, words, before in (
        (
            "raw",
            "the fields as they came, personal numbers masked",
            "the fields as they came, ID numbers masked",
        ),
        ("code", "of the first error", None),
        ("reason", "of all errors", None),
    ):
        op.alter_column("quarantined_rows", column, comment=words, existing_comment=before)
