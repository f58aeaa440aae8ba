"""Reads that no counter has.

Revision: 0020
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_reads_uncounted", "ON reads (notice_id, unit_id) WHERE NOT counted")
