"""Requests to join without an invite, their escalation, expiry and withdrawal; notes and posts of invites.

Revision: 0025
"""

from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        ALTER TABLE join_requests
            ALTER COLUMN invite_id DROP NOT NULL,
            ADD COLUMN posts text[] NOT NULL DEFAULT '{}',
            ADD COLUMN note text,
            ADD COLUMN leaves_membership_id uuid,
            ADD COLUMN requested_by uuid,
            ADD COLUMN responsible_unit_id uuid,
            ADD COLUMN escalations integer NOT NULL DEFAULT 0,
            ADD COLUMN escalated_at timestamptz,
            ADD COLUMN escalate_at timestamptz,
            ADD COLUMN expires_at timestamptz,
            ADD CONSTRAINT fk_join_requests_responsible_unit_id_units
                FOREIGN KEY (responsible_unit_id) REFERENCES units (id) NOT VALID,
            ADD CONSTRAINT fk_join_requests_leaves_membership_id_memberships
                FOREIGN KEY (leaves_membership_id) REFERENCES memberships (id) NOT VALID,
            DROP CONSTRAINT ck_join_requests_status_known,
            ADD CONSTRAINT ck_join_requests_status_known
                CHECK (status IN ('pending', 'approved', 'rejected', 'withdrawn', 'expired')) NOT VALID
        """
    )
    op.execute("ALTER TABLE invites ADD COLUMN note text, ADD COLUMN posts text[] NOT NULL DEFAULT '{}'")
