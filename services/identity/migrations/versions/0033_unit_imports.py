"""Imports and exports of units as files.

Revision: 0033
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: None = None
depends_on: None = None

_TEXTS = ("code", "parent_code", "name", "short_name", "level", "kind")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "unit_files",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "part", name=op.f("pk_unit_files")),
    )
    # Files are compressed already.
    op.execute("ALTER TABLE unit_files ALTER COLUMN data SET STORAGE EXTERNAL")
    op.create_table(
        "unit_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document_number", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        *(
            sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
            for name in ("total", "new", "changed", "unchanged", "wrong", "applied", "refused")
        ),
        sa.Column("failed_file_id", sa.Uuid(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('checking', 'checked', 'applying', 'done', 'failed', 'cancelled')",
            name=op.f("ck_unit_imports_status_known"),
        ),
        sa.CheckConstraint("format IN ('xlsx', 'csv')", name=op.f("ck_unit_imports_format_known")),
        sa.ForeignKeyConstraint(["root_id"], ["units.id"], name=op.f("fk_unit_imports_root_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_imports")),
    )
    op.create_index("ix_unit_imports_root_id", "unit_imports", ["root_id", "id"])
    op.create_index(op.f("ix_unit_imports_created_at"), "unit_imports", ["created_at"])
    op.create_table(
        "unit_import_rows",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in _TEXTS),
        sa.Column("stages", postgresql.ARRAY(sa.Text()), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("raw_stages", "region_code", "duty_phone", "address")
        ),
        sa.Column("errors", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("seen_version", sa.BigInteger(), nullable=True),
        sa.Column("moves", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("differs", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=True),
        sa.Column("applied", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "result IN ('new', 'changed', 'unchanged', 'wrong', 'refused')",
            name=op.f("ck_unit_import_rows_result_known"),
        ),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["unit_imports.id"],
            name=op.f("fk_unit_import_rows_import_id_unit_imports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_unit_import_rows")),
    )
    op.create_index("ix_unit_import_rows_code", "unit_import_rows", ["import_id", "code"])
    op.create_index(
        "ix_unit_import_rows_to_apply",
        "unit_import_rows",
        ["import_id", "depth", "number"],
        postgresql_where=sa.text("result IN ('new', 'changed') AND NOT applied"),
    )
    op.create_index(
        "ix_unit_import_rows_failed",
        "unit_import_rows",
        ["import_id", "number"],
        postgresql_where=sa.text("result IN ('wrong', 'refused')"),
    )
    op.create_table(
        "unit_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'failed')", name=op.f("ck_unit_exports_status_known")
        ),
        sa.CheckConstraint("format IN ('xlsx', 'csv')", name=op.f("ck_unit_exports_format_known")),
        sa.ForeignKeyConstraint(["root_id"], ["units.id"], name=op.f("fk_unit_exports_root_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_exports")),
    )
    op.create_index("ix_unit_exports_created_by", "unit_exports", ["created_by", "id"])
    op.create_index(op.f("ix_unit_exports_created_at"), "unit_exports", ["created_at"])
