"""Years of notices whose receipts were archived, and the figures that stay.

Revision: 0039
"""

import sqlalchemy as sa
from alembic import op

from servicekit.ltree import LTree

revision: str = "0039"
down_revision: str | None = "0038"
branch_labels: None = None
depends_on: None = None

_FIGURES = (
    "total",
    "delivered",
    "signed",
    "answered",
    "returned",
    "overdue",
    "read_units",
    "people",
    "people_read",
)


def upgrade() -> None:
    """Apply."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "archived_years",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("archived_at", instant, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("dropped_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_archived_years")),
    )
    op.create_table(
        "archived_coverage",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("path", LTree(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _FIGURES),
        sa.PrimaryKeyConstraint("notice_id", "path", name=op.f("pk_archived_coverage")),
    )
