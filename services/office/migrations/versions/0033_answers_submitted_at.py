"""Answers of an hour.

Revision: 0033
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "ix_answer_revisions_submitted_at", "ON answer_revisions USING brin (submitted_at)"
    )
