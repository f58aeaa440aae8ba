"""Administrators of units may manage policy standards; the cockpit lets those of the centre do so.

Revision: 0058
"""

from alembic import op

revision: str = "0058"
down_revision: str | None = "0057"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "UPDATE roles SET permissions = permissions || '{standards.manage}'::text[]"
        " WHERE code = 'unit_admin' AND built_in"
    )
