"""Jobs and periodic tasks.

Revision: 0002
"""

from jobs.migrations import create_v1

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_v1()
