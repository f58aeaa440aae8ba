"""Idempotency keys keep the headers of the answer, such as ETag.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("idempotency_keys", sa.Column("headers", JSONB(), nullable=True))
