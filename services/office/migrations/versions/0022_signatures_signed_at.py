"""Find the signatures of an hour.

Revision: 0022
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_signatures_signed_at", "ON signatures USING brin (signed_at)")
