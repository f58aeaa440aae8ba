"""Answers that no counter has.

Revision: 0032
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_answers_uncounted", "ON answers (notice_id, unit_id) WHERE NOT counted")
