"""Former places of units have the level, kind and stages of their time.

Revision: 0047
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0047"
down_revision: str | None = "0046"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("former_places", sa.Column("level", sa.Text(), nullable=True))
    op.add_column("former_places", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("former_places", sa.Column("stages", ARRAY(sa.Text()), nullable=True))
    # The next start reads Identity's snapshot again, which has the attributes of the places that are here.
    op.execute("DELETE FROM replica_snapshots")
