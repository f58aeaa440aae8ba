"""Reminders of notices, their runs and schedules.

Revision: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "reminder_schedules",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("offsets", ARRAY(sa.Integer()), nullable=False),
        sa.Column("sms", sa.Boolean(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_reminder_schedules")),
    )
    op.create_table(
        "reminder_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("offset", sa.Integer(), nullable=True),
        sa.Column("sms", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_unit_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("unsigned", sa.Integer(), nullable=False),
        sa.Column("blocking", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            '("offset" IS NULL) = (requested_by IS NOT NULL)', name=op.f("ck_reminder_runs_by_hand")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_runs")),
    )
    op.create_index("ix_reminder_runs_notice", "reminder_runs", ["notice_id", "id"])
    op.create_index(
        "uq_reminder_runs_offset",
        "reminder_runs",
        ["notice_id", "offset"],
        unique=True,
        postgresql_where=sa.text('"offset" IS NOT NULL'),
    )
    op.create_index(
        "uq_reminder_runs_running",
        "reminder_runs",
        ["notice_id", "unit_id"],
        unique=True,
        postgresql_where=sa.text('finished_at IS NULL AND "offset" IS NULL'),
    )
    op.create_table(
        "reminders",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason IN ('unsigned', 'blocking')", name=op.f("ck_reminders_reason")),
        sa.PrimaryKeyConstraint("notice_id", "unit_id", "slot", name=op.f("pk_reminders")),
    )
    op.create_index("ix_reminders_unit", "reminders", ["unit_id", "at", "notice_id"])
