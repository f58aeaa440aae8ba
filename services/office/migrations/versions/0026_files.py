"""Files that are attached to notices and others, and who downloaded them.

Revision: 0026
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("loose_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("preview_status", sa.Text(), nullable=False),
        sa.Column("preview_digest", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "preview_status IN ('none', 'pending', 'ready', 'failed')",
            name=op.f("ck_files_preview_status"),
        ),
        sa.CheckConstraint("(subject_kind IS NULL) = (subject_id IS NULL)", name=op.f("ck_files_subject")),
        sa.CheckConstraint("(subject_kind IS NULL) = (loose_since IS NOT NULL)", name=op.f("ck_files_loose")),
        sa.CheckConstraint(
            "(preview_status = 'ready') = (preview_digest IS NOT NULL)", name=op.f("ck_files_preview")
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_files_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    op.create_index(
        "ix_files_subject",
        "files",
        ["subject_kind", "subject_id", "position"],
        postgresql_where=sa.text("subject_kind IS NOT NULL"),
    )
    loose = sa.text("subject_kind IS NULL")
    op.create_index("ix_files_loose", "files", ["loose_since"], postgresql_where=loose)
    op.create_index("ix_files_loose_of_person", "files", ["uploaded_by"], postgresql_where=loose)
    op.create_index("ix_files_digest", "files", ["digest"])
    op.create_index(
        "ix_files_preview_digest",
        "files",
        ["preview_digest"],
        postgresql_where=sa.text("preview_digest IS NOT NULL"),
    )
    op.execute(
        """
        CREATE TABLE file_downloads (
            id uuid NOT NULL CONSTRAINT pk_file_downloads PRIMARY KEY,
            file_id uuid NOT NULL,
            file_name text NOT NULL,
            owner_id uuid NOT NULL,
            by uuid NOT NULL,
            unit_id uuid NOT NULL,
            at timestamptz NOT NULL,
            preview boolean NOT NULL
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX ix_file_downloads_file_id_id ON file_downloads (file_id, id)")
    op.execute("CREATE INDEX ix_file_downloads_owner_id_id ON file_downloads (owner_id, id)")
    op.execute("CREATE TABLE file_downloads_part_rest PARTITION OF file_downloads DEFAULT")
