"""The checksum of an upload, as its sender declares it.

Revision: 0022
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "uploads", sa.Column("sha256", sa.LargeBinary(), nullable=True, comment="of the file, as declared")
    )
