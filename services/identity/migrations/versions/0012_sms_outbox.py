"""Text messages are sent from a table of their own; budgets of SMS codes are counted in rows.

`sms_codes.address_index` stays, nullable, for processes of the release before: dropped with the next one.

Revision: 0012
"""

from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE TABLE sms_messages (
            id uuid NOT NULL CONSTRAINT pk_sms_messages PRIMARY KEY,
            sealed bytea,
            topic bytea,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            next_attempt_at timestamptz NOT NULL,
            attempts integer NOT NULL,
            sent_at timestamptz,
            dead_at timestamptz,
            last_error text,
            CONSTRAINT ck_sms_messages_sealed_while_pending
                CHECK ((sealed IS NULL) = (sent_at IS NOT NULL OR dead_at IS NOT NULL))
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX ix_sms_messages_due ON sms_messages (next_attempt_at) WHERE sealed IS NOT NULL")
    op.execute("CREATE INDEX ix_sms_messages_topic ON sms_messages (topic) WHERE sealed IS NOT NULL")
    op.execute("CREATE TABLE sms_messages_part_rest PARTITION OF sms_messages DEFAULT")
    op.execute(
        """
        CREATE TABLE code_budgets (
            kind text NOT NULL,
            key bytea NOT NULL,
            used integer NOT NULL,
            ends_at timestamptz NOT NULL,
            CONSTRAINT pk_code_budgets PRIMARY KEY (kind, key)
        ) WITH (fillfactor = 70)
        """
    )
    op.execute("CREATE INDEX ix_code_budgets_ends_at ON code_budgets (ends_at)")
    op.execute("ALTER TABLE sms_codes ALTER COLUMN address_index DROP NOT NULL")
    op.execute("DROP INDEX ix_sms_codes_address_index_sent_at")
