"""A unit may send a notice several times, to addresses of its own.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply. The defaults describe earlier rows, and serve the earlier release while it still runs."""
    for table in ("forwardings", "notices"):
        op.add_column(table, sa.Column("reach", sa.Text(), server_default="children", nullable=False))
        op.add_column(table, sa.Column("onward", sa.Boolean(), server_default="true", nullable=False))
        for column in ("levels", "kinds", "stages"):
            op.add_column(table, sa.Column(column, ARRAY(sa.Text()), server_default="{}", nullable=False))
        op.create_check_constraint(
            op.f(f"ck_{table}_reach"), table, "reach IN ('children', 'subtree', 'picked')"
        )
        op.create_check_constraint(op.f(f"ck_{table}_onward"), table, "NOT (onward AND reach = 'subtree')")
    op.add_column("notices", sa.Column("picked", ARRAY(sa.Uuid()), server_default="{}", nullable=False))
    op.add_column(
        "forwardings",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
    )
    op.add_column("forwardings", sa.Column("number", sa.Integer(), server_default="1", nullable=False))
    op.add_column(
        "forwardings",
        sa.Column(
            "plain",
            sa.Boolean(),
            sa.Computed(
                "reach = 'children' AND levels = '{}' AND kinds = '{}' AND stages = '{}'", persisted=True
            ),
            nullable=False,
        ),
    )
    # Nothing has been released: the table is as good as empty, so its keys are built at once.
    op.drop_constraint(op.f("pk_forwardings"), "forwardings", type_="primary")
    op.create_primary_key(op.f("pk_forwardings"), "forwardings", ["notice_id", "id"])
    op.create_unique_constraint(
        op.f("uq_forwardings_notice_id_unit_id_number"), "forwardings", ["notice_id", "unit_id", "number"]
    )
    op.create_index(
        "uq_forwardings_plain",
        "forwardings",
        ["notice_id", "unit_id"],
        unique=True,
        postgresql_where=sa.text("plain"),
    )
    op.create_index(
        "ix_forwardings_special", "forwardings", ["notice_id"], postgresql_where=sa.text("NOT plain")
    )
    op.create_table(
        "forwarding_units",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("forwarding_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id", "forwarding_id"],
            ["forwardings.notice_id", "forwardings.id"],
            name=op.f("fk_forwarding_units_notice_id_forwardings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notice_id", "forwarding_id", "unit_id", name=op.f("pk_forwarding_units")),
    )
    op.create_index("ix_forwarding_units_unit_id", "forwarding_units", ["unit_id", "notice_id"])
