"""The second blind index of phone numbers is unique, too.

Revision: 0022
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "uq_accounts_phone_index_even",
        "ON accounts (phone_index_even) WHERE status <> 'closed' AND phone_index_even IS NOT NULL",
        unique=True,
    )
