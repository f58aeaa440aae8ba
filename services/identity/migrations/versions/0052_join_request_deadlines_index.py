"""Index of requests to join with provisional deadlines, built without blocking writers.

Revision: 0052
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0052"
down_revision: str | None = "0051"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "ix_join_requests_provisional", "ON join_requests (id) WHERE provisional_since IS NOT NULL"
    )
