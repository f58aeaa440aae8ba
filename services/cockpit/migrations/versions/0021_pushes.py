"""Which clients push files for which units, and the record of what they do.

Revision: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: None = None
depends_on: None = None

_KEEP = """
CREATE FUNCTION push_records_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '6 months' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'push_records is append-only';
END
$$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "push_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="of the platform, for people"),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("feeds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False, comment="subject of the token"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cardinality(feeds) > 0", name=op.f("ck_push_grants_some_feeds")),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_push_grants_revoked_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_grants")),
    )
    op.create_index(
        "uq_push_grants_in_force",
        "push_grants",
        ["client_id", "unit_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("ix_push_grants_unit", "push_grants", ["unit_id"])
    op.create_index("ix_push_grants_created", "push_grants", ["created_at", "id"])
    op.create_table(
        "push_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False, comment="who did it: a person, or the client"),
        sa.Column("jkt", sa.Text(), nullable=True, comment="thumbprint of the client's key"),
        sa.Column("unit_code", sa.Text(), nullable=False, comment="as it was asked for"),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("feed", sa.Text(), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True, comment="the batch read, or as the sender names it"),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "action IN ('granted','revoked','pushed','read','refused')",
            name=op.f("ck_push_records_action_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_records")),
    )
    op.create_index("ix_push_records_at", "push_records", ["at"])
    op.execute(_KEEP)
    op.execute(
        "CREATE TRIGGER push_records_kept BEFORE UPDATE OR DELETE ON push_records"
        " FOR EACH ROW EXECUTE FUNCTION push_records_keep()"
    )
    op.execute(
        "CREATE TRIGGER push_records_not_emptied BEFORE TRUNCATE ON push_records"
        " FOR EACH STATEMENT EXECUTE FUNCTION push_records_keep()"
    )
