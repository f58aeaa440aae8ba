"""Revocations can name a place in the authority tree, when units have moved away from it.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("revocations", sa.Column("unit_path", sa.Text(), nullable=True))
    # The table holds some minutes of revocations: checked at once.
    op.create_check_constraint(
        op.f("ck_revocations_names_one"), "revocations", "num_nonnulls(sub, client_id, unit_path) = 1"
    )
    op.drop_constraint(op.f("ck_revocations_person_or_client"), "revocations", type_="check")
