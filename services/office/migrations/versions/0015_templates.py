"""Templates of notices; the urgency of notices in the same words as that of tasks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.drop_constraint(op.f("ck_notices_urgency"), "notices", type_="check")
    op.execute("UPDATE notices SET urgency = 'normal' WHERE urgency = 'routine'")
    op.execute(
        """
        UPDATE notice_revisions SET content = jsonb_set(content, '{urgency}', '"normal"')
        WHERE content ->> 'urgency' = 'routine'
        """
    )
    op.create_check_constraint(
        op.f("ck_notices_urgency"), "notices", "urgency IN ('normal', 'urgent', 'extra_urgent')"
    )
    op.create_table(
        "notice_templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("salutation", sa.Text(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("hints", JSONB(), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("words", ARRAY(sa.Text()), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('notice', 'announcement', 'circular', 'transmittal')",
            name=op.f("ck_notice_templates_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_templates")),
    )
    op.create_index("ix_notice_templates_unit_id", "notice_templates", ["unit_id", "id"])
    op.create_index(
        "uq_notice_templates_name",
        "notice_templates",
        ["unit_id", "name"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "notice_template_versions",
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["notice_templates.id"],
            name=op.f("fk_notice_template_versions_template_id_notice_templates"),
        ),
        sa.PrimaryKeyConstraint("template_id", "version", name=op.f("pk_notice_template_versions")),
    )
