"""Endings of units, the unit that continues handed-over work, and why a delegation ended.

Revision: 0042
"""

from alembic import op

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE TABLE unit_endings (
            unit_id uuid NOT NULL CONSTRAINT pk_unit_endings PRIMARY KEY
                CONSTRAINT fk_unit_endings_unit_id_units REFERENCES units (id),
            merged_into_id uuid CONSTRAINT fk_unit_endings_merged_into_id_units REFERENCES units (id),
            started_by uuid NOT NULL,
            started_at timestamptz NOT NULL,
            people integer NOT NULL,
            settled integer NOT NULL,
            job_id uuid,
            finished_at timestamptz
        )
        """
    )
    op.execute(
        """
        ALTER TABLE hand_overs ADD COLUMN successor_unit_id uuid
            CONSTRAINT fk_hand_overs_successor_unit_id_units REFERENCES units (id)
        """
    )
    op.execute(
        """
        ALTER TABLE delegations ADD COLUMN end_cause text CONSTRAINT ck_delegations_end_cause_known
            CHECK (end_cause IN ('revoked', 'left', 'unit_closed', 'unit_merged'))
        """
    )
    # Earlier releases left delegations open when a unit was closed or merged. They had no effect.
    op.execute(
        """
        UPDATE delegations d
        SET revoked_at = m.ended_at,
            end_cause = CASE m.end_reason WHEN 'unit closed' THEN 'unit_closed'
                                          WHEN 'unit merged' THEN 'unit_merged' ELSE 'left' END
        FROM memberships m
        WHERE m.id IN (d.from_membership_id, d.to_membership_id) AND m.ended_at IS NOT NULL
          AND d.revoked_at IS NULL AND d.ends_at > m.ended_at
        """
    )
