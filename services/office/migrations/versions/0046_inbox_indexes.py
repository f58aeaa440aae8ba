"""Dispatches in the order of their deadlines, and those that are not to all units directly below.

Revision: 0046
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0046"
down_revision: str | None = "0045"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_forwardings_due", "ON forwardings (unit_id, deadline, notice_id)")
    create_index_concurrently(
        "ix_forwardings_others", "ON forwardings (unit_id, forwarded_at, notice_id) WHERE NOT plain"
    )
