"""Index of people in the order of searches; all units and people are queued for the indexer in batches.

It replaces an index by which running processes of the previous release walk through the names: until they
end, their searches sort. Each statement may run again.

Revision: 0047
"""

from alembic import op

from servicekit.migrations import create_index_concurrently, in_batches

revision: str = "0047"
down_revision: str | None = "0046"
branch_labels: None = None
depends_on: None = None

_NONE = "'00000000-0000-0000-0000-000000000000'::uuid"
_BATCH = 10_000
_QUEUE = """
DECLARE last uuid;
BEGIN
    WITH batch AS (SELECT id FROM {table} WHERE id > coalesce(after, {none}) ORDER BY id LIMIT {batch}),
    queued AS (INSERT INTO search_queue (kind, id) SELECT '{kind}', id FROM batch ORDER BY id)
    SELECT id INTO last FROM batch ORDER BY id DESC LIMIT 1;
    RETURN last;
END
"""


def upgrade() -> None:
    """Apply."""
    create_index_concurrently("ix_people_search_first", "ON people_search (first, name, account_id)")
    for table, kind in (("units", "unit"), ("accounts", "person")):
        in_batches(_QUEUE.format(table=table, kind=kind, none=_NONE, batch=_BATCH))
    op.execute("DROP INDEX IF EXISTS ix_people_search_name")
