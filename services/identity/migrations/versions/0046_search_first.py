"""People are searched by the first letter of their names, too.

Rows that the indexer of the previous release writes have none: searches include them.

Revision: 0046
"""

from alembic import op

revision: str = "0046"
down_revision: str | None = "0045"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE people_search ADD COLUMN first text COLLATE \"C\" NOT NULL DEFAULT ''")
