"""Idempotency keys keep the headers of the answer, such as ETag.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("idempotency_keys", sa.Column("headers", JSONB(), nullable=True))
