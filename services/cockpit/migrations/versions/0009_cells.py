"""Cells: figures by place, period and dimension, and the loads that they contain.

Loads of earlier batches are listed as uncounted: the service adds them to the cells after its start.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

from servicekit.ltree import LTree

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: None = None
depends_on: None = None

# Also for batches that the version before commits while this migration is already applied.
_NOTE = """
CREATE FUNCTION batches_note_uncounted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'committed' AND (TG_OP = 'INSERT' OR OLD.status <> 'committed') THEN
        INSERT INTO uncounted_loads (load_id, feed) VALUES (NEW.load_id, NEW.feed) ON CONFLICT DO NOTHING;
    ELSIF NEW.status = 'reversed' AND (TG_OP = 'INSERT' OR OLD.status <> 'reversed') THEN
        INSERT INTO uncounted_loads (load_id, feed) VALUES (NEW.reversal_load_id, NEW.feed)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$
"""
_FILL = """
INSERT INTO uncounted_loads (load_id, feed, since)
SELECT load_id, feed, committed_at FROM batches WHERE status IN ('committed', 'reversed')
UNION ALL
SELECT reversal_load_id, feed, reversed_at FROM batches WHERE status = 'reversed'
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    """Apply."""
    _places_and_cells()
    _persons()
    op.create_table(
        "counted_loads",
        sa.Column("load_id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "marked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="known to the store of facts since",
        ),
        sa.PrimaryKeyConstraint("load_id", name="pk_counted_loads"),
    )
    op.create_index(
        "ix_counted_loads_unmarked",
        "counted_loads",
        ["counted_at"],
        unique=False,
        postgresql_where=sa.text("marked_at IS NULL"),
    )
    op.create_table(
        "uncounted_loads",
        sa.Column("load_id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("load_id", name="pk_uncounted_loads"),
    )
    op.create_index("ix_uncounted_loads_since", "uncounted_loads", ["since"], unique=False)
    op.execute(_NOTE)
    # First the trigger, then the batches before it: none falls between.
    op.execute(
        "CREATE TRIGGER batches_uncounted AFTER INSERT OR UPDATE OF status ON batches"
        " FOR EACH ROW EXECUTE FUNCTION batches_note_uncounted()"
    )
    op.execute(_FILL)


def _places_and_cells() -> None:
    op.create_table(
        "cell_nodes",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("path", LTree(), nullable=False, comment="authority path at intake"),
        sa.Column("code", sa.Text(), nullable=False, comment="of the unit at the end of the path"),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cell_nodes"),
        sa.ForeignKeyConstraint(["parent_id"], ["cell_nodes.id"], name="fk_cell_nodes_parent_id_cell_nodes"),
        sa.UniqueConstraint("path", name="uq_cell_nodes_path"),
    )
    op.create_index("ix_cell_nodes_code", "cell_nodes", ["code"], unique=False)
    op.create_index("ix_cell_nodes_parent_id", "cell_nodes", ["parent_id"], unique=False)
    op.create_table(
        "cells",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("node_id", sa.Integer(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False, comment="2017, or 2017-spring"),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("funding", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(22, 2), nullable=False, comment="yuan"),
        sa.Column("times", sa.BigInteger(), nullable=False, comment="facts less reversals"),
        sa.Column("persons", sa.BigInteger(), nullable=False, comment="distinct, from cell_persons"),
        sa.CheckConstraint("calendar IN ('year','school_year','term')", name=op.f("ck_cells_calendar_known")),
        sa.PrimaryKeyConstraint("id", name="pk_cells"),
        sa.ForeignKeyConstraint(["node_id"], ["cell_nodes.id"], name="fk_cells_node_id_cell_nodes"),
        sa.UniqueConstraint(
            "node_id",
            "feed",
            "calendar",
            "period",
            "stage",
            "programme",
            "funding",
            name="uq_cells_node_id_feed_calendar_period_stage_programme_funding",
        ),
    )
    # Room for the new versions of a cell beside the old ones: the cells of the centre change with each batch.
    op.execute("ALTER TABLE cells SET (fillfactor = 70)")


def _persons() -> None:
    op.create_table(
        "cell_persons",
        sa.Column("cell_id", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counter", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cell_id", "block", name="pk_cell_persons"),
        sa.ForeignKeyConstraint(["cell_id"], ["cells.id"], name="fk_cell_persons_cell_id_cells"),
    )
    # Compressed by the service.
    op.execute("ALTER TABLE cell_persons ALTER COLUMN counter SET STORAGE EXTERNAL")
    op.create_table(
        "person_numbers",
        sa.Column("token", sa.Uuid(), nullable=False, comment="128-bit hash of the person token"),
        sa.Column("number", sa.Integer(), sa.Identity(always=True, minvalue=0, start=0), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_person_numbers"),
    )
