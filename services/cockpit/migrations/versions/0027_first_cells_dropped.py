"""The tables of the first version of the cells, and what served processes of the releases that filled them.

Nothing reads or writes them: no version with them was released.

Revision: 0027
"""

from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("DROP TRIGGER batches_uncounted ON batches")
    op.execute("DROP FUNCTION batches_note_uncounted()")
    op.execute("DROP TRIGGER batches_of_earlier_release ON batches")
    op.execute("DROP FUNCTION batch_id_of_earlier_release()")
    for table in ("cell_persons", "cells", "counted_loads", "uncounted_loads"):
        op.drop_table(table)
