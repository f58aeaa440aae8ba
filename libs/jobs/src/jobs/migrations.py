"""The tables of jobs, for the services' migrations. Never change a released function: add a new one.

The statements for pgqueuer are those that its release 1.6 installs. After an upgrade of pgqueuer,
`libs/jobs/tests/test_schema.py` fails if the new release requires other tables.
"""

import re
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

_PGQUEUER = Path(__file__).with_name("pgqueuer_1_6.sql")


def pgqueuer_statements() -> list[str]:
    """Return the statements that create pgqueuer's tables."""
    return re.split(r";\n\n(?=CREATE)", _PGQUEUER.read_text().rstrip().removesuffix(";"))


def create_v1() -> None:
    """Create pgqueuer's tables, `jobs` and `periodic_tasks`. Call it from a migration."""
    for statement in pgqueuer_statements():
        op.execute(statement)
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True, comment="progress in words for users"),
        sa.Column("checkpoint", JSONB(), nullable=True),
        sa.Column("result", JSONB(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="the last failure, for operators"),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'dead', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "uq_jobs_dedupe_key",
        "jobs",
        ["kind", "dedupe_key"],
        unique=True,
        postgresql_where=sa.text("state = 'queued' AND starts = 0 AND dedupe_key IS NOT NULL"),
    )
    op.create_index("ix_jobs_kind_state", "jobs", ["kind", "state"])
    op.create_index(
        "ix_jobs_finished_at", "jobs", ["finished_at"], postgresql_where=sa.text("finished_at IS NOT NULL")
    )
    op.create_table(
        "periodic_tasks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_seconds", sa.Integer(), nullable=True, comment="duration of the last successful run"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_periodic_tasks")),
    )


def upgrade_v2() -> None:
    """Add the trace of what has enqueued a job, and when a periodic task was declared first."""
    op.add_column("jobs", sa.Column("traceparent", sa.Text(), nullable=True))
    op.add_column(
        "periodic_tasks",
        sa.Column("declared_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
