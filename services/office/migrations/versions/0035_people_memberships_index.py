"""People are found by any of their memberships, not only the primary one.

Revision: 0035
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_people_memberships", "ON people USING gin (memberships jsonb_path_ops)")
