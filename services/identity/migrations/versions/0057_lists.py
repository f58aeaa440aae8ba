"""Indexes of lists with totals: a person's requests for entitlements, and delegations with those that ended.

Each statement may run again.

Revision: 0057
"""

from alembic import op

from servicekit.migrations import create_index_concurrently

revision: str = "0057"
down_revision: str | None = "0056"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "ix_entitlement_requests_account_id_id", "ON entitlement_requests (account_id, id)"
    )
    create_index_concurrently("ix_delegations_to_membership_id_id", "ON delegations (to_membership_id, id)")
    create_index_concurrently(
        "ix_delegations_from_membership_id_id", "ON delegations (from_membership_id, id)"
    )
    op.execute("DROP INDEX IF EXISTS ix_delegations_to_membership_id")
    op.execute("DROP INDEX IF EXISTS ix_delegations_from_membership_id")
