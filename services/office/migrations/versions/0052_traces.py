"""Events and jobs say in which trace they came about, and periodic tasks since when they are declared.

Revision: 0052
"""

import sqlalchemy as sa
from alembic import op

from jobs.migrations import upgrade_v2

revision: str = "0052"
down_revision: str | None = "0051"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("outbox", sa.Column("traceparent", sa.Text(), nullable=True))
    upgrade_v2()
