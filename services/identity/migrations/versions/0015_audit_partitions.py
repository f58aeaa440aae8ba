"""The audit log is partitioned by month; the table so far becomes the partition of this month and all before.

Its rows stay where they are. A constraint proves that they belong into the partition, and is checked while
others go on writing, so that the table is only locked for the moment of the change. Until then the constraint
refuses rows of the next month: not on the last day of a month, therefore.

Revision: 0015
"""

from datetime import UTC, datetime, timedelta

from alembic import op
from sqlalchemy import text

from servicekit.migrations import validate_constraint
from servicekit.partitions import ByMonth

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: None = None
depends_on: None = None

_TABLE = ByMonth("audit_log", "id", keep=None, ids=True, append_only=True)
_CHECK = "ck_audit_log_until_next_month"
# Attached without the constraint, a table of this size is read in less than a second.
_SMALL_BYTES = 64 << 20


def upgrade() -> None:
    """Apply."""
    now = datetime.now(UTC)
    start = ByMonth.start(now)
    end = ByMonth.following(start)
    op.execute(f"ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS {_CHECK}")
    if end - now > timedelta(days=1):
        op.execute(
            f"ALTER TABLE audit_log ADD CONSTRAINT {_CHECK} CHECK (id < {_TABLE.bound(end)}) NOT VALID"
        )
        validate_constraint("audit_log", _CHECK)
    elif op.get_bind().scalar(text("SELECT pg_table_size('audit_log')")) > _SMALL_BYTES:
        raise RuntimeError("not on the last day of a month (UTC): run the migration tomorrow")
    part = _TABLE.part(start)
    op.execute("DROP TRIGGER audit_log_append_only ON audit_log")
    op.execute("DROP INDEX ix_audit_log_actor")
    op.execute("DROP INDEX ix_audit_log_at")
    op.execute(f"ALTER TABLE audit_log RENAME TO {part}")
    op.execute(f"ALTER TABLE {part} RENAME CONSTRAINT pk_audit_log TO {part}_pkey")
    op.execute(f"ALTER INDEX ix_audit_log_target_id_at RENAME TO {part}_target_id_at_idx")
    op.execute(
        """
        CREATE TABLE audit_log (
            id uuid NOT NULL CONSTRAINT pk_audit_log PRIMARY KEY,
            at timestamptz NOT NULL,
            actor text,
            action text NOT NULL,
            target_id text,
            correlation_id text,
            details jsonb NOT NULL
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX ix_audit_log_target_id_at ON audit_log (target_id, at)")
    op.execute(
        f"ALTER TABLE audit_log ATTACH PARTITION {part} FOR VALUES FROM (MINVALUE) TO ({_TABLE.bound(end)})"
    )
    op.execute(f"ALTER TABLE {part} DROP CONSTRAINT IF EXISTS {_CHECK}")
    op.execute(f"CREATE TABLE {_TABLE.rest} PARTITION OF audit_log DEFAULT")
    following = ByMonth.following(end)
    op.execute(
        f"CREATE TABLE {_TABLE.part(end)} PARTITION OF audit_log"
        f" FOR VALUES FROM ({_TABLE.bound(end)}) TO ({_TABLE.bound(following)})"
    )
    op.execute(
        """
        CREATE TABLE audit_seals (
            number bigint NOT NULL CONSTRAINT pk_audit_seals PRIMARY KEY,
            from_id uuid NOT NULL,
            until_id uuid NOT NULL CONSTRAINT uq_audit_seals_until_id UNIQUE,
            rows bigint NOT NULL,
            digest bytea NOT NULL,
            previous_digest bytea,
            sealed_at timestamptz NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
        """
    )
    for table in ("audit_log", "audit_seals"):
        # For each row: partitions get such a trigger too, so that they cannot be changed directly either.
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_not_truncated BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only()"
        )
