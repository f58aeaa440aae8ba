"""The staging table of the replica's rebuild; people lose an index that no query reads.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "replica_staging",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
    )
    op.drop_index("ix_people_unit_path", "people")
