"""Cells whose dimensions are data, of every feed and both trees.

The tables of the first version stay for the release before, which serves meanwhile: it goes on to fill them,
and `uncounted_loads` tells it of the loads of this version. All loads that count are listed in `cell_loads`
as not yet contained; the service adds them to the new cells after its start.

Revision: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: None = None
depends_on: None = None

# Also for batches that the version before commits while this migration is already applied.
_NOTE = """
CREATE FUNCTION batches_note_load() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'committed' AND (TG_OP = 'INSERT' OR OLD.status <> 'committed') THEN
        INSERT INTO cell_loads (load_id, feed) VALUES (NEW.load_id, NEW.feed) ON CONFLICT DO NOTHING;
    ELSIF NEW.status = 'reversed' AND (TG_OP = 'INSERT' OR OLD.status <> 'reversed') THEN
        INSERT INTO cell_loads (load_id, feed) VALUES (NEW.reversal_load_id, NEW.feed)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$
"""
_FILL = """
INSERT INTO cell_loads (load_id, feed, since, marked_at)
SELECT n.load_id, n.feed, n.since, c.marked_at
FROM (
    SELECT load_id, feed, committed_at AS since FROM batches WHERE status IN ('committed', 'reversed')
    UNION ALL
    SELECT reversal_load_id, feed, reversed_at FROM batches WHERE status = 'reversed'
) n LEFT JOIN counted_loads c USING (load_id)
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    """Apply."""
    op.add_column("cell_nodes", sa.Column("tree", sa.Text(), server_default="authority", nullable=False))
    op.execute(
        "ALTER TABLE cell_nodes ADD CONSTRAINT ck_cell_nodes_tree_known"
        " CHECK (tree IN ('authority', 'territory'))"
    )
    op.create_table(
        "cell_combinations",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Text(), nullable=False, comment="programme,stage"),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cell_combinations"),
        sa.UniqueConstraint(
            "feed", "dimensions", "values", name="uq_cell_combinations_feed_dimensions_values"
        ),
    )
    _figures()
    op.create_table(
        "cell_loads",
        sa.Column("load_id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "counted_at", sa.DateTime(timezone=True), nullable=True, comment="the cells contain it since"
        ),
        sa.Column(
            "marked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="known to the store of facts since",
        ),
        sa.Column(
            "schools",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="codes of its units that were schools; null while the cells do not contain it",
        ),
        sa.PrimaryKeyConstraint("load_id", name="pk_cell_loads"),
    )
    op.create_index(
        "ix_cell_loads_uncounted",
        "cell_loads",
        ["since", "load_id"],
        unique=False,
        postgresql_where=sa.text("counted_at IS NULL"),
    )
    op.create_index(
        "ix_cell_loads_unmarked",
        "cell_loads",
        ["since"],
        unique=False,
        postgresql_where=sa.text("marked_at IS NULL"),
    )
    op.execute(_NOTE)
    # First the trigger, then the batches before it: none falls between.
    op.execute(
        "CREATE TRIGGER batches_loads AFTER INSERT OR UPDATE OF status ON batches"
        " FOR EACH ROW EXECUTE FUNCTION batches_note_load()"
    )
    op.execute(_FILL)


def _figures() -> None:
    op.create_table(
        "cell_figures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("node_id", sa.Integer(), nullable=False),
        sa.Column("combination_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="how many loads have changed it"),
        sa.Column("times", sa.BigInteger(), nullable=False, comment="facts less reversals"),
        sa.Column("persons", sa.BigInteger(), nullable=False, comment="distinct, from cell_counters"),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False, comment="2017, 2017-spring, or 2017-03"),
        sa.Column("amount", sa.Numeric(22, 2), nullable=False, comment="yuan"),
        sa.Column("weight", sa.Numeric(22, 2), nullable=False, comment="as the feed declares it"),
        sa.CheckConstraint(
            "calendar IN ('year', 'school_year', 'term', 'month')",
            name=op.f("ck_cell_figures_calendar_known"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cell_figures"),
        sa.ForeignKeyConstraint(["node_id"], ["cell_nodes.id"], name="fk_cell_figures_node_id_cell_nodes"),
        sa.ForeignKeyConstraint(
            ["combination_id"],
            ["cell_combinations.id"],
            name="fk_cell_figures_combination_id_cell_combinations",
        ),
        sa.UniqueConstraint(
            "node_id",
            "calendar",
            "period",
            "combination_id",
            name="uq_cell_figures_node_id_calendar_period_combination_id",
        ),
    )
    # Room for the new versions of a cell beside the old ones: the cells of the centre change with each batch.
    op.execute("ALTER TABLE cell_figures SET (fillfactor = 70)")
    op.create_table(
        "cell_counters",
        sa.Column("cell_id", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counter", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cell_id", "block", name="pk_cell_counters"),
        sa.ForeignKeyConstraint(
            ["cell_id"], ["cell_figures.id"], name="fk_cell_counters_cell_id_cell_figures"
        ),
    )
    # Compressed by the service.
    op.execute("ALTER TABLE cell_counters ALTER COLUMN counter SET STORAGE EXTERNAL")
