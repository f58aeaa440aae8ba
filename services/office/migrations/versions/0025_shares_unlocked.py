"""A unit that ends its share of a task does not lock the row of the task.

Revision: 0025
"""

from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    for table in ("task_shares", "task_history"):
        op.drop_constraint(op.f(f"fk_{table}_task_id_tasks"), table, type_="foreignkey")
