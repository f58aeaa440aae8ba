"""An identity number belongs to one account: the index under a key of odd version.

Revision: 0031
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "uq_accounts_id_number_index",
        "ON accounts (id_number_index) WHERE status <> 'closed' AND id_number_index IS NOT NULL",
        unique=True,
    )
