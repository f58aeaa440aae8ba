"""What the built-in roles allow in Office, which asked for roles by name before.

Revision: 0053
"""

from alembic import op

revision: str = "0053"
down_revision: str | None = "0052"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        UPDATE roles SET permissions = roles.permissions || added.permissions
        FROM (VALUES
            ('unit_admin', '{notices.read,templates.manage,numbers.manage,files.audit,tasks.distribute,'
                           'help.write}'::text[]),
            ('handler', '{notices.read}'),
            ('reviewer', '{notices.read}'),
            ('approver', '{notices.read,templates.manage,numbers.manage,files.audit,help.write}')
        ) AS added (code, permissions)
        WHERE roles.code = added.code AND roles.built_in
        """
    )
