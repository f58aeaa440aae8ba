"""Files with facts that arrive in parts.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op

from servicekit.ltree import LTree

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("unit_path", LTree(), nullable=False, comment="authority path at the start"),
        sa.Column("batch_id", sa.Uuid(), nullable=True, comment="the caller's id of the batch"),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False, comment="as declared"),
        sa.Column("received", sa.BigInteger(), nullable=False, comment="bytes in parts"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("batch", sa.Uuid(), nullable=True, comment="the batch that it became"),
        sa.Column("failure", sa.Text(), nullable=True, comment="problem code"),
        sa.Column("reason", sa.Text(), nullable=True, comment="the problem in Chinese"),
        sa.Column("created_by", sa.Text(), nullable=False, comment="subject of the token"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('receiving','loading','done','failed','cancelled')",
            name=op.f("ck_uploads_status_known"),
        ),
        sa.CheckConstraint("received BETWEEN 0 AND size_bytes", name=op.f("ck_uploads_received_within_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index("ix_uploads_unit_path", "uploads", ["unit_path"], postgresql_using="gist")
    op.create_index("ix_uploads_created", "uploads", ["created_at", "id"])
    op.create_index("ix_uploads_touched", "uploads", ["touched_at"])
    op.create_index(
        "ix_uploads_unfinished",
        "uploads",
        ["created_by"],
        postgresql_where=sa.text("status = 'receiving' OR status = 'loading'"),
    )
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_upload_parts_upload_id_uploads"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", "start", name=op.f("pk_upload_parts")),
    )
    # Files are compressed already, or are gone in an hour.
    op.execute("ALTER TABLE upload_parts ALTER COLUMN content SET STORAGE EXTERNAL")
