"""Sessions name the device and a part of the address, for the person's own list.

Revision: 0029
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("sessions", sa.Column("device", sa.Text()))
    op.add_column("sessions", sa.Column("address_masked", sa.Text()))
