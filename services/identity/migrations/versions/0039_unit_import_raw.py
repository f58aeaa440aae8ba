"""An import keeps the fields of its rows as they were sent, for the file of the rows that failed.

No release has imported anything yet, so nothing is lost with the column that is dropped.

Revision: 0039
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0039"
down_revision: str | None = "0038"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    empty = sa.text("'{}'")
    for table, column in (("unit_imports", "headings"), ("unit_import_rows", "raw")):
        op.add_column(
            table, sa.Column(column, postgresql.ARRAY(sa.Text()), server_default=empty, nullable=False)
        )
    op.drop_column("unit_import_rows", "raw_stages")
