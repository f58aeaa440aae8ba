"""`tasks.needs` has the values of `tasks.roles`, in batches. May run again.

Revision: 0050
"""

from servicekit.migrations import in_batches

revision: str = "0050"
down_revision: str | None = "0049"
branch_labels: None = None
depends_on: None = None

_FILL = """
DECLARE last uuid;
BEGIN
    WITH batch AS (
        SELECT id FROM tasks WHERE id > coalesce(after, '00000000-0000-0000-0000-000000000000'::uuid)
        ORDER BY id LIMIT 10000
    ),
    filled AS (
        UPDATE tasks SET needs = roles WHERE id IN (SELECT id FROM batch) AND needs IS NULL
    )
    SELECT id INTO last FROM batch ORDER BY id DESC LIMIT 1;
    RETURN last;
END
"""


def upgrade() -> None:
    """Apply."""
    in_batches(_FILL)
