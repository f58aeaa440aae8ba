"""Events and jobs say in which trace they came about, and periodic tasks since when they are declared.

Revision: 0061
"""

import sqlalchemy as sa
from alembic import op

from jobs.migrations import upgrade_v2

revision: str = "0061"
down_revision: str | None = "0060"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("outbox", sa.Column("traceparent", sa.Text(), nullable=True))
    upgrade_v2()
