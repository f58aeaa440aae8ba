"""The version of a role, by which copies in other services know the newer state.

Revision: 0056
"""

from alembic import op

revision: str = "0056"
down_revision: str | None = "0055"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE roles ADD COLUMN version bigint NOT NULL DEFAULT 1")
