"""The replica of roles: what they allow.

Revision: 0034
"""

from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE TABLE roles (
            code text NOT NULL CONSTRAINT pk_roles PRIMARY KEY,
            name text NOT NULL,
            permissions text[] NOT NULL,
            version bigint NOT NULL,
            replicated_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    # What matters here of the built-in roles, until Identity's snapshot has been read.
    op.execute(
        """
        INSERT INTO roles (code, name, permissions, version) VALUES
        ('unit_admin', '单位管理员',
         '{notices.read,notices.draft,notices.receive,templates.manage,numbers.manage,files.audit,'
         'tasks.distribute,help.write}', 0),
        ('handler', '经办人', '{notices.read,notices.draft,notices.receive}', 0),
        ('reviewer', '审核人', '{notices.read,notices.review}', 0),
        ('approver', '签发人',
         '{notices.read,notices.draft,notices.review,notices.issue,notices.receive,templates.manage,'
         'numbers.manage,files.audit,help.write}', 0)
        """
    )
    # Read the snapshot again at the next start: custom roles are in it.
    op.execute("DELETE FROM replica_snapshots")
