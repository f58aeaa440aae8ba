"""Identity numbers of accounts, records of real-name checks, changes of phone numbers with a waiting time.

Revision: 0030
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    for name in ("id_number_sealed", "id_number_index", "id_number_index_even"):
        op.add_column("accounts", sa.Column(name, sa.LargeBinary(), nullable=True))
    for name in ("id_number_masked", "verified_by"):
        op.add_column("accounts", sa.Column(name, sa.Text(), nullable=True))
    for name in ("phone_lost_at", "verified_at"):
        op.add_column("accounts", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute(
        """
        CREATE TABLE real_name_checks (
            id uuid NOT NULL CONSTRAINT pk_real_name_checks PRIMARY KEY,
            subject bytea NOT NULL,
            account_id uuid,
            provider text NOT NULL,
            outcome text NOT NULL,
            reference text,
            at timestamptz NOT NULL,
            CONSTRAINT ck_real_name_checks_outcome_known
                CHECK (outcome IN ('matched', 'mismatched', 'unavailable'))
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX ix_real_name_checks_subject_at ON real_name_checks (subject, at)")
    op.execute("CREATE TABLE real_name_checks_part_rest PARTITION OF real_name_checks DEFAULT")
    op.execute(
        """
        CREATE TABLE phone_changes (
            id uuid NOT NULL CONSTRAINT pk_phone_changes PRIMARY KEY,
            account_id uuid NOT NULL
                CONSTRAINT fk_phone_changes_account_id_accounts REFERENCES accounts (id),
            kind text NOT NULL,
            status text NOT NULL,
            phone_sealed bytea,
            phone_masked text NOT NULL,
            id_matched boolean NOT NULL,
            requested_at timestamptz NOT NULL,
            due_at timestamptz,
            decided_by uuid,
            decided_at timestamptz,
            in_person boolean NOT NULL,
            finished_at timestamptz,
            outcome text,
            CONSTRAINT ck_phone_changes_kind_known CHECK (kind IN ('change', 'recovery')),
            CONSTRAINT ck_phone_changes_status_known CHECK (
                status IN ('requested', 'waiting', 'done', 'rejected', 'cancelled', 'failed')),
            CONSTRAINT ck_phone_changes_number_while_open
                CHECK ((phone_sealed IS NOT NULL) = (finished_at IS NULL))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_phone_changes_account_id_open ON phone_changes (account_id)"
        " WHERE finished_at IS NULL"
    )
    op.execute("CREATE INDEX ix_phone_changes_due_at ON phone_changes (due_at) WHERE finished_at IS NULL")
    op.execute("CREATE INDEX ix_phone_changes_account_id ON phone_changes (account_id)")
