"""Forms of notices, the answers of units, and exports.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from servicekit.ltree import LTree

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "notice_forms",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("fields", JSONB(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("locked_at", instant, nullable=True),
        sa.Column("locked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(locked_at IS NULL) = (locked_by IS NULL)", name=op.f("ck_notice_forms_locked")),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notices.id"],
            name=op.f("fk_notice_forms_notice_id_notices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice_forms")),
    )
    op.create_table(
        "answers",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("path", LTree(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("draft", JSONB(), nullable=True),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.Column("saved_at", instant, nullable=True),
        sa.Column("values", JSONB(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("submitted_at", instant, nullable=True),
        sa.Column("reopened_by", sa.Uuid(), nullable=True),
        sa.Column("reopened_at", instant, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'submitted', 'reopened')", name=op.f("ck_answers_status")),
        sa.CheckConstraint("(status = 'draft') = (submitted_at IS NULL)", name=op.f("ck_answers_submitted")),
        sa.PrimaryKeyConstraint("notice_id", "unit_id", name=op.f("pk_answers")),
    )
    op.create_index("ix_answers_path", "answers", ["notice_id", "path"])
    op.create_table(
        "answer_revisions",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("values", JSONB(), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "unit_id", "number", name=op.f("pk_answer_revisions")),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parameters", JSONB(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", instant, nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'failed', 'cancelled')", name=op.f("ck_exports_status")
        ),
        sa.CheckConstraint("(status = 'running') = (finished_at IS NULL)", name=op.f("ck_exports_finished")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index("ix_exports_created_by", "exports", ["created_by", "unit_id", "id"])
    op.create_index("ix_exports_running", "exports", ["id"], postgresql_where=sa.text("status = 'running'"))
    op.create_table(
        "export_parts",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["exports.id"],
            name=op.f("fk_export_parts_export_id_exports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("export_id", "part", name=op.f("pk_export_parts")),
    )
