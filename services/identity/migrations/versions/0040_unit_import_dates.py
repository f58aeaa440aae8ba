"""Imports have a date, rows say what changes; exports have filters and can be cancelled.

Revision: 0040
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0040"
down_revision: str | None = "0039"
branch_labels: None = None
depends_on: None = None

_TODAY = "(now() AT TIME ZONE 'Asia/Shanghai')::date"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "unit_imports",
        sa.Column("effective_on", sa.Date(), server_default=sa.text(_TODAY), nullable=False),
    )
    empty = sa.text("'{}'")
    for table, column in (
        ("unit_import_rows", "changes"),
        ("unit_exports", "levels"),
        ("unit_exports", "kinds"),
    ):
        op.add_column(
            table, sa.Column(column, postgresql.ARRAY(sa.Text()), server_default=empty, nullable=False)
        )
    op.add_column(
        "unit_exports",
        sa.Column("unit_status", sa.Text(), server_default=sa.text("'active'"), nullable=True),
    )
    op.add_column("unit_exports", sa.Column("acting_unit_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_unit_exports_acting_unit_id_units"), "unit_exports", "units", ["acting_unit_id"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_unit_exports_unit_status_known"), "unit_exports", "unit_status IN ('active', 'closed')"
    )
    for table in ("unit_exports", "data_exports"):
        op.drop_constraint(op.f(f"ck_{table}_status_known"), table, type_="check")
        op.create_check_constraint(
            op.f(f"ck_{table}_status_known"), table, "status IN ('running', 'done', 'failed', 'cancelled')"
        )
