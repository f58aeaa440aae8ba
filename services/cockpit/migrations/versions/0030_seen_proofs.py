"""DPoP proofs that any process of the service has accepted.

Revision: 0030
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "seen_proofs",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_seen_proofs"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_seen_proofs_expires_at", "seen_proofs", ["expires_at"], unique=False)
