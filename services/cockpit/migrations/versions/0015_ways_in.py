"""Batches of the earlier release have the caller's id too; indexes that no query uses are dropped.

Revision: 0015
"""

from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    # Processes of the earlier release, which may still be serving, take the caller's id as the batch's own
    # and know neither `batch_id` nor `format`. The next release drops the trigger.
    op.execute(
        "CREATE FUNCTION batch_id_of_earlier_release() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.batch_id IS NULL AND NEW.format IS NULL THEN NEW.batch_id := NEW.id; END IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER batches_of_earlier_release BEFORE INSERT ON batches"
        " FOR EACH ROW EXECUTE FUNCTION batch_id_of_earlier_release()"
    )
    # A batch is a file: there are some thousands.
    op.execute("UPDATE batches SET batch_id = id WHERE batch_id IS NULL AND format IS NULL")
    # Reach follows the present place of the unit.
    op.drop_index("ix_batches_unit_path", "batches")
    op.drop_index("ix_uploads_unit_path", "uploads")
