"""Two-person appointment of the platform's administrators; requests for entitlements, expiry and review.

`entitlements` has one row for each person with access to the cockpit, some thousands.

Revision: 0038
"""

from alembic import op

revision: str = "0038"
down_revision: str | None = "0037"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE TABLE platform_proposals (
            id uuid NOT NULL CONSTRAINT pk_platform_proposals PRIMARY KEY,
            account_id uuid NOT NULL
                CONSTRAINT fk_platform_proposals_account_id_accounts REFERENCES accounts (id),
            role text,
            reason text NOT NULL,
            proposed_by uuid NOT NULL,
            proposed_role text NOT NULL,
            proposed_at timestamptz NOT NULL,
            status text NOT NULL,
            decided_by uuid,
            decided_at timestamptz,
            CONSTRAINT ck_platform_proposals_role_known
                CHECK (role IN ('system_admin', 'security_admin', 'audit_admin')),
            CONSTRAINT ck_platform_proposals_proposed_role_known
                CHECK (proposed_role IN ('system_admin', 'security_admin', 'audit_admin')),
            CONSTRAINT ck_platform_proposals_status_known
                CHECK (status IN ('pending', 'confirmed', 'refused'))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_platform_proposals_account_id_pending ON platform_proposals (account_id)"
        " WHERE status = 'pending'"
    )
    op.execute(
        """
        CREATE TABLE entitlement_requests (
            id uuid NOT NULL CONSTRAINT pk_entitlement_requests PRIMARY KEY,
            account_id uuid NOT NULL
                CONSTRAINT fk_entitlement_requests_account_id_accounts REFERENCES accounts (id),
            unit_id uuid NOT NULL CONSTRAINT fk_entitlement_requests_unit_id_units REFERENCES units (id),
            name text NOT NULL,
            reason text NOT NULL,
            requested_by uuid NOT NULL,
            requested_at timestamptz NOT NULL,
            status text NOT NULL,
            decided_by uuid,
            decided_at timestamptz,
            decision_reason text,
            CONSTRAINT ck_entitlement_requests_status_known
                CHECK (status IN ('pending', 'approved', 'rejected', 'withdrawn', 'expired'))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_entitlement_requests_account_id_name_pending"
        " ON entitlement_requests (account_id, name) WHERE status = 'pending'"
    )
    op.execute(
        "CREATE INDEX ix_entitlement_requests_pending ON entitlement_requests (unit_id, id)"
        " WHERE status = 'pending'"
    )
    op.execute(
        """
        ALTER TABLE entitlements
            ADD COLUMN unit_id uuid,
            ADD COLUMN expires_at timestamptz NOT NULL DEFAULT now() + interval '365 days',
            ADD COLUMN reviewed_at timestamptz,
            ADD COLUMN reviewed_by uuid,
            ADD COLUMN reminded_at timestamptz,
            ADD CONSTRAINT fk_entitlements_unit_id_units FOREIGN KEY (unit_id) REFERENCES units (id)
        """
    )
    op.execute(
        """
        UPDATE entitlements SET unit_id = memberships.unit_id
        FROM memberships
        WHERE memberships.account_id = entitlements.account_id AND memberships.ended_at IS NULL
            AND memberships.is_primary AND entitlements.withdrawn_at IS NULL
        """
    )
    op.execute(
        "CREATE INDEX ix_entitlements_expires_at ON entitlements (expires_at) WHERE withdrawn_at IS NULL"
    )
