"""The people of a unit who have read a notice.

Revision: 0019
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_reads_unit", "ON reads (notice_id, unit_id)")
