"""The place of the address of a sign-in.

Revision: 0048
"""

from alembic import op

revision: str = "0048"
down_revision: str | None = "0047"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply. Nullable columns without a default: no row is rewritten, also not in partitions."""
    op.execute("ALTER TABLE sign_ins ADD COLUMN place text")
    op.execute("ALTER TABLE sessions ADD COLUMN place text")
