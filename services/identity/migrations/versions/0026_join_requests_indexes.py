"""Indexes and constraints of requests to join, built without blocking writers.

Each statement may run again: they run outside of the migration's transaction.

Revision: 0026
"""

from servicekit.migrations import create_index_concurrently, validate_constraint

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "ix_join_requests_responsible", "ON join_requests (responsible_unit_id, id) WHERE status = 'pending'"
    )
    create_index_concurrently(
        "ix_join_requests_escalate_at", "ON join_requests (escalate_at) WHERE status = 'pending'"
    )
    create_index_concurrently(
        "ix_join_requests_expires_at", "ON join_requests (expires_at) WHERE status = 'pending'"
    )
    create_index_concurrently("ix_join_requests_account_id_id", "ON join_requests (account_id, id)")
    for name in (
        "fk_join_requests_responsible_unit_id_units",
        "fk_join_requests_leaves_membership_id_memberships",
        "ck_join_requests_status_known",
    ):
        validate_constraint("join_requests", name)
