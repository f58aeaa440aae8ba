"""Signatures that no counter has.

Revision: 0031
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "ix_signatures_uncounted", "ON signatures (notice_id, unit_id) WHERE NOT counted"
    )
