"""The sign-in history of people.

Revision: 0035
"""

from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE TABLE sign_ins (
            id uuid NOT NULL CONSTRAINT pk_sign_ins PRIMARY KEY,
            account_id uuid NOT NULL,
            at timestamptz NOT NULL,
            means text NOT NULL,
            refused text,
            device text,
            address_masked text,
            session_id uuid
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX ix_sign_ins_account_id_id ON sign_ins (account_id, id)")
    op.execute("CREATE TABLE sign_ins_part_rest PARTITION OF sign_ins DEFAULT")
