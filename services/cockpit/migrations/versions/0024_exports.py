"""Exports that a job makes, and the record of what people did with files.

Revision: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from servicekit.ltree import LTree

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: None = None
depends_on: None = None

_KEEP = """
CREATE FUNCTION export_uses_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '6 months' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'export_uses is append-only';
END
$$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="of the file, without its extension"),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("asked", postgresql.JSONB(), nullable=False, comment="the question"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False, comment="the unit that the person acts for"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=False, comment="rows that the file has at most"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="of the file, in bytes"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="why there is no file, for the person"),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'failed', 'cancelled')", name=op.f("ck_exports_status_known")
        ),
        sa.CheckConstraint("format IN ('xlsx', 'csv')", name=op.f("ck_exports_format_known")),
        sa.CheckConstraint("(status = 'running') = (finished_at IS NULL)", name=op.f("ck_exports_finished")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index("ix_exports_created_by", "exports", ["created_by", "unit_id", "id"])
    op.create_index("ix_exports_running", "exports", ["id"], postgresql_where=sa.text("status = 'running'"))
    op.create_index("ix_exports_created_at", "exports", ["created_at"])
    op.create_table(
        "export_parts",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"], ["exports.id"], name=op.f("fk_export_parts_export_id_exports"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", "part", name=op.f("pk_export_parts")),
    )
    op.create_table(
        "export_uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=True, comment="none: the file was the answer"),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("unit_path", LTree(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.CheckConstraint("action IN ('asked', 'fetched')", name=op.f("ck_export_uses_action_known")),
        sa.CheckConstraint(
            "subject IN ('query', 'view', 'overview')", name=op.f("ck_export_uses_subject_known")
        ),
        sa.CheckConstraint("format IN ('xlsx', 'csv')", name=op.f("ck_export_uses_format_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_uses")),
    )
    op.create_index("ix_export_uses_at", "export_uses", ["at", "id"])
    op.create_index("ix_export_uses_sub", "export_uses", ["sub"])
    op.create_index("ix_export_uses_unit_path", "export_uses", ["unit_path"], postgresql_using="gist")
    op.execute(_KEEP)
    op.execute(
        "CREATE TRIGGER export_uses_kept BEFORE UPDATE OR DELETE ON export_uses"
        " FOR EACH ROW EXECUTE FUNCTION export_uses_keep()"
    )
    op.execute(
        "CREATE TRIGGER export_uses_not_emptied BEFORE TRUNCATE ON export_uses"
        " FOR EACH STATEMENT EXECUTE FUNCTION export_uses_keep()"
    )
