"""`unit_people` has the dates of all units, in batches. May run again.

Revision: 0044
"""

from servicekit.migrations import in_batches

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: None = None
depends_on: None = None

# Within the lock of the trigger, so that a batch never writes an older date than that of a change beside it.
_FILL = """
DECLARE last uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(34472298529580389);
    WITH batch AS (
        SELECT id, placed_at FROM units
        WHERE id > coalesce(after, '00000000-0000-0000-0000-000000000000'::uuid) ORDER BY id LIMIT 5000
    ), written AS (
        INSERT INTO unit_people AS p (unit_id, people, placed_at)
        SELECT id, 0, placed_at FROM batch WHERE placed_at IS NOT NULL ORDER BY id
        ON CONFLICT (unit_id) DO UPDATE SET placed_at = excluded.placed_at
        WHERE p.placed_at IS DISTINCT FROM excluded.placed_at
    )
    SELECT id INTO last FROM batch ORDER BY id DESC LIMIT 1;
    RETURN last;
END
"""


def upgrade() -> None:
    """Apply."""
    in_batches(_FILL)
