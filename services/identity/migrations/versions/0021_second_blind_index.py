"""Phone numbers have a second blind index, for rotations of its key; recovery codes are kept encrypted.

Revision: 0021
"""

import sqlalchemy as sa
from alembic import op

from servicekit.migrations import validate_constraint

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: None = None
depends_on: None = None

_CHECK = "ck_accounts_phone_indexed"


def upgrade() -> None:
    """Apply."""
    op.add_column("recovery_codes", sa.Column("code_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("accounts", sa.Column("phone_index_even", sa.LargeBinary(), nullable=True))
    op.alter_column("accounts", "phone_index", nullable=True)
    op.execute(
        f"ALTER TABLE accounts ADD CONSTRAINT {_CHECK}"
        " CHECK (phone_index IS NOT NULL OR phone_index_even IS NOT NULL) NOT VALID"
    )
    validate_constraint("accounts", _CHECK)
