"""Units by the time since which they have stood where they stand, with their people.

Revision: 0045
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0045"
down_revision: str | None = "0044"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_unit_people_placed_at", "ON unit_people (placed_at)")
