"""Whether a part of an upload is encrypted.

Revision: 0012
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "upload_parts",
        sa.Column(
            "sealed",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="false in parts of earlier releases",
        ),
    )
