"""The audit log is found by actor, target, request and action.

Revision: 0028
"""

from alembic import op

from servicekit.migrations import create_partitioned_index_concurrently

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    for columns, where in (
        ("target_id", ""),
        ("actor", ""),
        ("correlation_id", ""),
        ("action", " WHERE action <> 'oauth.token_issued'"),
    ):
        name = f"ix_audit_log_{columns}_id"
        create_partitioned_index_concurrently(name, "audit_log", f"({columns}, id){where}")
    op.execute("DROP INDEX IF EXISTS ix_audit_log_target_id_at")
