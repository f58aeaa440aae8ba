"""Returns of notices, people who handle them, and signatures by a unit above.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op

from servicekit.migrations import validate_constraint

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("signatures", sa.Column("late", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("signatures", sa.Column("signing_unit_id", sa.Uuid(), nullable=True))
    op.add_column("signatures", sa.Column("reason", sa.Text(), nullable=True))
    op.execute(
        "ALTER TABLE signatures ADD CONSTRAINT ck_signatures_on_behalf"
        " CHECK ((signing_unit_id IS NULL) = (reason IS NULL)) NOT VALID"
    )
    op.create_table(
        "notice_returns",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("to_unit_id", sa.Uuid(), nullable=False),
        sa.Column("forwarding_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("returned_by", sa.Uuid(), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'confirmed', 'resent', 'cancelled')", name=op.f("ck_notice_returns_status")
        ),
        sa.CheckConstraint(
            "(status = 'open') = (decided_at IS NULL)", name=op.f("ck_notice_returns_decided")
        ),
        sa.PrimaryKeyConstraint("notice_id", "unit_id", "number", name=op.f("pk_notice_returns")),
    )
    op.create_index(
        "uq_notice_returns_standing",
        "notice_returns",
        ["notice_id", "unit_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'confirmed')"),
    )
    op.create_index(
        "ix_notice_returns_to",
        "notice_returns",
        ["to_unit_id", "returned_at", "notice_id", "unit_id", "number"],
    )
    op.create_table(
        "notice_assignments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("assigned_by", sa.Uuid(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'done', 'reassigned', 'cancelled')",
            name=op.f("ck_notice_assignments_status"),
        ),
        sa.CheckConstraint(
            "(status = 'open') = (ended_at IS NULL)", name=op.f("ck_notice_assignments_ended")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_assignments")),
    )
    op.create_index(
        "uq_notice_assignments_open",
        "notice_assignments",
        ["notice_id", "unit_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index("ix_notice_assignments_unit", "notice_assignments", ["notice_id", "unit_id", "id"])
    op.create_index(
        "ix_notice_assignments_owner",
        "notice_assignments",
        ["owner", "unit_id"],
        postgresql_where=sa.text("status = 'open'"),
    )
    validate_constraint("signatures", "ck_signatures_on_behalf")
