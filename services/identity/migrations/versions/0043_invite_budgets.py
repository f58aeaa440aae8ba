"""Whose rights count while a table of invitations is sent, and daily budgets of its texts.

Revision: 0043
"""

from alembic import op

revision: str = "0043"
down_revision: str | None = "0042"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        ALTER TABLE invite_batches
            ADD COLUMN postponed integer NOT NULL DEFAULT 0,
            ADD COLUMN sent_by uuid,
            ADD COLUMN acting_unit_id uuid
                CONSTRAINT fk_invite_batches_acting_unit_id_units REFERENCES units (id),
            DROP CONSTRAINT ck_invite_batches_status_known,
            ADD CONSTRAINT ck_invite_batches_status_known
                CHECK (status IN ('checked', 'sending', 'paused', 'done', 'cancelled'))
        """
    )
    op.execute(
        """
        ALTER TABLE invite_batch_rows
            DROP CONSTRAINT ck_invite_batch_rows_result_known,
            ADD CONSTRAINT ck_invite_batch_rows_result_known
                CHECK (result IN ('waiting', 'sent', 'postponed', 'wrong', 'refused'))
        """
    )
    op.execute(
        """
        CREATE TABLE invite_budgets (
            scope text NOT NULL,
            day date NOT NULL,
            used integer NOT NULL,
            CONSTRAINT pk_invite_budgets PRIMARY KEY (scope, day)
        )
        """
    )
