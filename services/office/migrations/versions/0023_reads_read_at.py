"""Find the reads of an hour.

Revision: 0023
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_reads_read_at", "ON reads USING brin (read_at)")
