"""Policy standards in versions, and the record of their changes.

Revision: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: None = None
depends_on: None = None

_KEEP = """
CREATE FUNCTION standard_changes_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'standard_changes is append-only';
END
$$
"""


def upgrade() -> None:
    """Apply."""
    # Equality of texts in an exclusion constraint.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "standards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=True, comment="key in the file of the package"),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False, comment="empty: every stage of the programme"),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False, comment="GB/T 2260; 000000 is the country"),
        sa.Column("valid_from", sa.Date(), nullable=True, comment="null: the beginning is not known"),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="the last day; null: until further notice"),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True, comment="a year, for what is paid by days"),
        sa.Column("amount", sa.Numeric(12, 2), nullable=True, comment="yuan, paid or paid on average"),
        sa.Column("lowest", sa.Numeric(12, 2), nullable=True, comment="yuan"),
        sa.Column("highest", sa.Numeric(12, 2), nullable=True, comment="yuan"),
        sa.Column("document_number", sa.Text(), nullable=False, comment="文号"),
        sa.Column("certainty", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "tier IN ('none','primary_boarding','primary_day','junior_boarding','junior_day',"
            "'national_pilot','local_pilot','central_institution','local_institution','first','second','third')",
            name=op.f("ck_standards_tier_known"),
        ),
        sa.CheckConstraint(
            "basis IN ('terms','once','days','exempt')", name=op.f("ck_standards_basis_known")
        ),
        sa.CheckConstraint(
            "certainty IN ('verified','secondary','derived','unverified')",
            name=op.f("ck_standards_certainty_known"),
        ),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_standards_days_in_order")),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_standards_region_is_code")),
        sa.CheckConstraint(
            "basis = 'exempt' OR num_nonnulls(amount, highest) > 0", name=op.f("ck_standards_has_amount")
        ),
        sa.CheckConstraint(
            "coalesce(lowest, 0) >= 0 AND coalesce(lowest, 0) <= coalesce(amount, highest, lowest)"
            " AND coalesce(amount, 0) <= coalesce(highest, amount)",
            name=op.f("ck_standards_amounts_in_order"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_standards"),
        sa.UniqueConstraint("seed", name="uq_standards_seed"),
        postgresql.ExcludeConstraint(
            ("programme", "="),
            ("stage", "="),
            ("tier", "="),
            ("region", "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            where=sa.text("withdrawn_at IS NULL"),
            using="gist",
            name="ex_standards_no_overlap",
        ),
    )
    op.create_index("ix_standards_programme", "standards", ["programme", "id"], unique=False)
    op.create_table(
        "standard_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("standard_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=True, comment="subject of the token; null: the service itself"),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "action IN ('loaded','created','ended','corrected','withdrawn')",
            name=op.f("ck_standard_changes_action_known"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_id"], ["standards.id"], name="fk_standard_changes_standard_id_standards"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_standard_changes"),
        sa.UniqueConstraint("standard_id", "version", name="uq_standard_changes_standard_id_version"),
    )
    op.execute(_KEEP)
    op.execute(
        "CREATE TRIGGER standard_changes_kept BEFORE UPDATE OR DELETE ON standard_changes"
        " FOR EACH ROW EXECUTE FUNCTION standard_changes_keep()"
    )
    op.execute(
        "CREATE TRIGGER standard_changes_not_emptied BEFORE TRUNCATE ON standard_changes"
        " FOR EACH STATEMENT EXECUTE FUNCTION standard_changes_keep()"
    )
