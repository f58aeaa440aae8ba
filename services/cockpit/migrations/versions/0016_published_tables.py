"""Published tables in PostgreSQL, so that a view asks the store of facts nothing.

The lines of earlier batches are read from the facts after the start of the service.

Revision: 0016
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: None = None
depends_on: None = None

# Also for batches that the version before commits or withdraws while this migration is already applied.
_NOTE = """
CREATE FUNCTION batches_note_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'committed' AND (TG_OP = 'INSERT' OR OLD.status <> 'committed') THEN
        INSERT INTO published_batches (batch_id, load_id, unit_id, source, committed_at)
        VALUES (NEW.id, NEW.load_id, NEW.unit_id, NEW.source, NEW.committed_at) ON CONFLICT DO NOTHING;
    ELSIF NEW.status = 'reversed' AND (TG_OP = 'INSERT' OR OLD.status <> 'reversed') THEN
        UPDATE published_batches SET reversed_at = NEW.reversed_at WHERE batch_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$
"""
_FILL = """
INSERT INTO published_batches (batch_id, load_id, unit_id, source, committed_at, reversed_at)
SELECT id, load_id, unit_id, source, committed_at, reversed_at FROM batches
WHERE feed = 'published_aggregate' AND status IN ('committed', 'reversed') AND accepted > 0
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "published_batches",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("load_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False, comment="whose tables they are, wherever it moves"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True, comment="its lines are here since"),
        sa.PrimaryKeyConstraint("batch_id", name="pk_published_batches"),
    )
    op.create_index(
        "ix_published_batches_unfilled",
        "published_batches",
        ["committed_at"],
        unique=False,
        postgresql_where=sa.text("filled_at IS NULL"),
    )
    op.create_index("ix_published_batches_unit_id", "published_batches", ["unit_id"], unique=False)
    op.create_table(
        "published_tables",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, comment="口径"),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["published_batches.batch_id"],
            name="fk_published_tables_batch_id_published_batches",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_published_tables"),
        sa.UniqueConstraint("batch_id", "year", "scope", name="uq_published_tables_batch_id_year_scope"),
    )
    op.create_index(
        "ix_published_tables_unit", "published_tables", ["unit_id", "year", "source", "scope"], unique=False
    )
    op.create_table(
        "published_lines",
        sa.Column("table_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("funding", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False, comment="empty: all"),
        sa.Column("region_group", sa.Text(), nullable=False, comment="empty: the whole country"),
        sa.Column("is_total", sa.Boolean(), nullable=False, comment="of all stages"),
        sa.Column("amount", sa.Numeric(20, 2), nullable=False, comment="yuan"),
        sa.Column("share_percent", sa.Numeric(9, 4), nullable=True),
        sa.Column("persons", sa.BigInteger(), nullable=True),
        sa.Column("person_times", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["published_tables.id"],
            name="fk_published_lines_table_id_published_tables",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "table_id", "stage", "funding", "programme", "region_group", name="pk_published_lines"
        ),
    )
    op.execute(_NOTE)
    # First the trigger, then the batches before it: none falls between.
    op.execute(
        "CREATE TRIGGER batches_published AFTER INSERT OR UPDATE OF status ON batches"
        " FOR EACH ROW WHEN (NEW.feed = 'published_aggregate') EXECUTE FUNCTION batches_note_published()"
    )
    op.execute(_FILL)
