"""Tasks for the units that dispatches address.

Revision: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("tasks", sa.Column("addressed", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("task_shares", sa.Column("deadline", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "task_addresses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reach", sa.Text(), server_default="children", nullable=False),
        sa.Column("onward", sa.Boolean(), server_default="true", nullable=False),
        *(
            sa.Column(name, ARRAY(sa.Text()), server_default="{}", nullable=False)
            for name in ("levels", "kinds", "stages")
        ),
        sa.CheckConstraint(
            "reach IN ('children', 'subtree', 'picked')", name=op.f("ck_task_addresses_reach")
        ),
        sa.CheckConstraint("NOT (onward AND reach = 'subtree')", name=op.f("ck_task_addresses_onward")),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_task_addresses_task_id_tasks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_addresses")),
    )
    op.create_index("ix_task_addresses_sender", "task_addresses", ["sender_id", "task_id"])
    op.create_index("ix_task_addresses_task", "task_addresses", ["task_id"])
    op.create_table(
        "task_address_units",
        sa.Column("address_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["task_addresses.id"],
            name=op.f("fk_task_address_units_address_id_task_addresses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("address_id", "unit_id", name=op.f("pk_task_address_units")),
    )
