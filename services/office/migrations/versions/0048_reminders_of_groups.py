"""A run of reminders can be limited to a group of the address book.

Revision: 0048
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0048"
down_revision: str | None = "0047"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("reminder_runs", sa.Column("group_id", sa.Uuid(), nullable=True))
