"""SMS codes are bound to the browser that asked.

The table holds two days and is small; its partitions get the index with it. The index before served look-ups
by number, which the new one serves, too.

Revision: 0020
"""

from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE sms_codes ADD COLUMN ticket_hash bytea")
    op.execute(
        """
        CREATE INDEX ix_sms_codes_phone_index_ticket_hash_sent_at
        ON sms_codes (phone_index, ticket_hash, sent_at)
        """
    )
    op.execute("DROP INDEX ix_sms_codes_phone_index_sent_at")
