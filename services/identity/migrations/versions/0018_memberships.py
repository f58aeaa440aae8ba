"""Several memberships for one person, posts and duties, roles as data, administrators of the platform.

Revision: 0018
"""

from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    # Until the next migration a person has one active membership at most: it is the primary one.
    op.execute("ALTER TABLE memberships ADD COLUMN is_primary boolean NOT NULL DEFAULT true")
    op.execute("ALTER TABLE memberships ADD COLUMN posts text[] NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE memberships ADD COLUMN duties text")
    op.execute("ALTER TABLE memberships ADD COLUMN end_reason text")
    op.execute("ALTER TABLE sessions ADD COLUMN acting_membership_id uuid")
    op.execute("ALTER TABLE sessions ADD COLUMN acting_since timestamptz")
    op.execute(
        """
        CREATE TABLE roles (
            code text NOT NULL CONSTRAINT pk_roles PRIMARY KEY,
            name text NOT NULL,
            permissions text[] NOT NULL,
            may_grant text[] NOT NULL,
            built_in boolean NOT NULL,
            position integer NOT NULL
        )
        """
    )
    op.execute(
        """
        INSERT INTO roles (code, name, permissions, may_grant, built_in, position) VALUES
        ('unit_admin', '单位管理员',
         '{units.manage,members.read,members.admit,members.manage,accounts.manage,entitlements.grant,'
         'clients.manage,notices.draft,notices.receive,figures.contribute}',
         '{notices.review,notices.issue}', true, 1),
        ('handler', '经办人',
         '{members.read,notices.draft,notices.receive,figures.contribute}', '{}', true, 2),
        ('reviewer', '审核人', '{members.read,notices.review}', '{}', true, 3),
        ('approver', '签发人',
         '{members.read,notices.draft,notices.review,notices.issue,notices.receive}', '{}', true, 4)
        """
    )
    op.execute(
        """
        CREATE TABLE platform_roles (
            account_id uuid NOT NULL CONSTRAINT pk_platform_roles PRIMARY KEY,
            role text NOT NULL,
            appointed_at timestamptz NOT NULL,
            proposed_by uuid,
            confirmed_by uuid,
            CONSTRAINT fk_platform_roles_account_id_accounts
                FOREIGN KEY (account_id) REFERENCES accounts (id),
            CONSTRAINT ck_platform_roles_role_known
                CHECK (role IN ('system_admin', 'security_admin', 'audit_admin'))
        )
        """
    )
