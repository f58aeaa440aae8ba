"""Delegation of roles for a time, and hand-over of the work of people who leave a unit.

Revision: 0034
"""

from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE memberships ADD COLUMN leaving_at timestamptz")
    op.execute(
        """
        CREATE TABLE delegations (
            id uuid NOT NULL CONSTRAINT pk_delegations PRIMARY KEY,
            unit_id uuid NOT NULL CONSTRAINT fk_delegations_unit_id_units REFERENCES units (id),
            from_membership_id uuid NOT NULL
                CONSTRAINT fk_delegations_from_membership_id_memberships REFERENCES memberships (id),
            to_membership_id uuid NOT NULL
                CONSTRAINT fk_delegations_to_membership_id_memberships REFERENCES memberships (id),
            roles text[] NOT NULL,
            reason text NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL,
            revoked_at timestamptz,
            revoked_by uuid,
            CONSTRAINT ck_delegations_ends_after_start CHECK (ends_at > starts_at)
        )
        """
    )
    op.execute(
        "CREATE INDEX ix_delegations_to_membership_id ON delegations (to_membership_id)"
        " WHERE revoked_at IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_delegations_from_membership_id ON delegations (from_membership_id)"
        " WHERE revoked_at IS NULL"
    )
    op.execute("CREATE INDEX ix_delegations_unit_id_id ON delegations (unit_id, id)")
    op.execute(
        """
        CREATE TABLE hand_overs (
            id uuid NOT NULL CONSTRAINT pk_hand_overs PRIMARY KEY,
            membership_id uuid NOT NULL
                CONSTRAINT fk_hand_overs_membership_id_memberships REFERENCES memberships (id),
            account_id uuid NOT NULL CONSTRAINT fk_hand_overs_account_id_accounts REFERENCES accounts (id),
            unit_id uuid NOT NULL CONSTRAINT fk_hand_overs_unit_id_units REFERENCES units (id),
            successor_id uuid CONSTRAINT fk_hand_overs_successor_id_accounts REFERENCES accounts (id),
            reason text NOT NULL,
            requested_by uuid NOT NULL,
            requested_at timestamptz NOT NULL,
            completed_at timestamptz,
            items integer
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_hand_overs_membership_id_open ON hand_overs (membership_id)"
        " WHERE completed_at IS NULL"
    )
    op.execute("CREATE INDEX ix_hand_overs_unit_id_id ON hand_overs (unit_id, id)")
