"""The record of who looked at individual records.

Revision: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from servicekit.ltree import LTree

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: None = None
depends_on: None = None

_KEEP = """
CREATE FUNCTION individual_uses_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '6 months' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'individual_uses is append-only';
END
$$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "individual_uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("unit_path", LTree(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("further", sa.Boolean(), nullable=False, comment="a page after the first"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_individual_uses"),
    )
    op.create_index("ix_individual_uses_at", "individual_uses", ["at", "id"], unique=False)
    op.create_index("ix_individual_uses_sub", "individual_uses", ["sub"], unique=False)
    op.create_index(
        "ix_individual_uses_unit_path",
        "individual_uses",
        ["unit_path"],
        unique=False,
        postgresql_using="gist",
    )
    op.execute(_KEEP)
    op.execute(
        "CREATE TRIGGER individual_uses_kept BEFORE UPDATE OR DELETE ON individual_uses"
        " FOR EACH ROW EXECUTE FUNCTION individual_uses_keep()"
    )
    op.execute(
        "CREATE TRIGGER individual_uses_not_emptied BEFORE TRUNCATE ON individual_uses"
        " FOR EACH STATEMENT EXECUTE FUNCTION individual_uses_keep()"
    )
