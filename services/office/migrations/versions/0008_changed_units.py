"""Find the units that have changed since a notice was published.

Revision: 0008
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_units_placed_at", "ON units (placed_at)")
