"""The tables `jobs` and `periodic_tasks`, and the names of pgqueuer's tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

# Not part of the models, so they are excluded by name from the comparison of models and database.
PGQUEUER_TABLES = frozenset({"pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics"})


def make_jobs_table(metadata: MetaData) -> Table:
    """Declare the table of jobs. The periodic task `jobs.prune` deletes ended jobs.

    `starts` counts all starts and is the fencing token against a worker that has lost the job; `attempts`
    counts the failures since the position last changed.
    """
    return Table(
        "jobs",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("dedupe_key", Text),
        Column("payload", JSONB, nullable=False),
        Column("state", Text, nullable=False),
        Column("run_at", DateTime(timezone=True), nullable=False),
        Column("starts", Integer, nullable=False, server_default=text("0")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("done", BigInteger, nullable=False, server_default=text("0")),
        Column("total", BigInteger),
        Column("message", Text, comment="progress in words for users"),
        Column("checkpoint", JSONB(none_as_null=True)),
        Column("result", JSONB(none_as_null=True)),
        Column("error", Text, comment="the last failure, for operators"),
        Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
        Column("correlation_id", Text),
        Column("traceparent", Text),
        Column("worker", Text),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("started_at", DateTime(timezone=True)),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("finished_at", DateTime(timezone=True)),
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'dead', 'cancelled')", name="state"),
        Index(
            "uq_jobs_dedupe_key",
            "kind",
            "dedupe_key",
            unique=True,
            postgresql_where=text("state = 'queued' AND starts = 0 AND dedupe_key IS NOT NULL"),
        ),
        Index("ix_jobs_kind_state", "kind", "state"),
        Index("ix_jobs_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )


def make_periodic_table(metadata: MetaData) -> Table:
    """Declare the table of periodic tasks, with the due time and the last result of each."""
    return Table(
        "periodic_tasks",
        metadata,
        Column("name", Text, primary_key=True),
        Column("schedule", Text, nullable=False),
        Column("next_run_at", DateTime(timezone=True), nullable=False),
        Column("declared_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("last_success_at", DateTime(timezone=True)),
        Column("last_failure_at", DateTime(timezone=True)),
        Column("last_error", Text),
        Column("last_seconds", Integer, comment="duration of the last successful run"),
    )
