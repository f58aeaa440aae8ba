"""Custom roles: retired ones, and changes that two administrators of the platform make.

Revision: 0045
"""

from alembic import op

revision: str = "0045"
down_revision: str | None = "0044"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE roles ADD COLUMN retired_at timestamptz")
    op.execute("CREATE UNIQUE INDEX uq_roles_name_in_use ON roles (name) WHERE retired_at IS NULL")
    op.execute(
        """
        CREATE TABLE role_changes (
            id uuid NOT NULL CONSTRAINT pk_role_changes PRIMARY KEY,
            kind text NOT NULL,
            code text NOT NULL,
            name text NOT NULL,
            permissions text[] NOT NULL,
            may_grant text[] NOT NULL,
            reason text NOT NULL,
            proposed_by uuid NOT NULL,
            proposed_role text NOT NULL,
            proposed_at timestamptz NOT NULL,
            status text NOT NULL,
            decided_by uuid,
            decided_at timestamptz,
            CONSTRAINT ck_role_changes_kind_known CHECK (kind IN ('create', 'change', 'retire')),
            CONSTRAINT ck_role_changes_proposed_role_known
                CHECK (proposed_role IN ('system_admin', 'security_admin', 'audit_admin')),
            CONSTRAINT ck_role_changes_status_known CHECK (status IN ('pending', 'confirmed', 'refused'))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_role_changes_code_pending ON role_changes (code) WHERE status = 'pending'"
    )
    op.execute("CREATE INDEX ix_role_changes_code_id ON role_changes (code, id)")
