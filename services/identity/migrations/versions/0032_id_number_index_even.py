"""An identity number belongs to one account: the index under a key of even version.

Revision: 0032
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "uq_accounts_id_number_index_even",
        "ON accounts (id_number_index_even) WHERE status <> 'closed' AND id_number_index_even IS NOT NULL",
        unique=True,
    )
