"""Invitation of many people by a table, each by a code that only the holder of the number can use.

Revision: 0041
"""

from alembic import op

revision: str = "0041"
down_revision: str | None = "0040"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE invites ADD COLUMN phone_sealed bytea")
    op.execute(
        """
        CREATE TABLE invite_batches (
            id uuid NOT NULL CONSTRAINT pk_invite_batches PRIMARY KEY,
            unit_id uuid NOT NULL CONSTRAINT fk_invite_batches_unit_id_units REFERENCES units (id),
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            file_name text NOT NULL,
            status text NOT NULL,
            total integer NOT NULL,
            wrong integer NOT NULL,
            sent integer NOT NULL,
            refused integer NOT NULL,
            job_id uuid,
            finished_at timestamptz,
            CONSTRAINT ck_invite_batches_status_known
                CHECK (status IN ('checked', 'sending', 'done', 'cancelled'))
        )
        """
    )
    op.execute("CREATE INDEX ix_invite_batches_unit_id_id ON invite_batches (unit_id, id)")
    op.execute("CREATE INDEX ix_invite_batches_created_at ON invite_batches (created_at)")
    op.execute(
        """
        CREATE TABLE invite_batch_rows (
            id uuid NOT NULL CONSTRAINT pk_invite_batch_rows PRIMARY KEY,
            batch_id uuid NOT NULL CONSTRAINT fk_invite_batch_rows_batch_id_invite_batches
                REFERENCES invite_batches (id) ON DELETE CASCADE,
            number integer NOT NULL,
            fields_sealed bytea NOT NULL,
            name text,
            phone_masked text,
            roles text[] NOT NULL,
            posts text[] NOT NULL,
            errors text[] NOT NULL,
            result text NOT NULL,
            invite_id uuid,
            CONSTRAINT ck_invite_batch_rows_result_known
                CHECK (result IN ('waiting', 'sent', 'wrong', 'refused'))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_invite_batch_rows_batch_id_number ON invite_batch_rows (batch_id, number)"
    )
